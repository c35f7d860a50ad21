package dev.s3llm.spring.guide;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

@SpringBootApplication
public class Newcomer {
  record Person(String name, int age) {}

  public static void main(String[] args) {
    SpringApplication.run(Newcomer.class, args);
  }

  @Bean
  CommandLineRunner questions(ChatClient.Builder clients) {
    return args -> {
      ChatClient client = clients.build();
      client.prompt("Tell me about the sea.").stream()
          .content()
          .doOnNext(System.out::print)
          .blockLast();
      Person person =
          client
              .prompt("Ada Lovelace died at 36. Answer as JSON with name and age.")
              .call()
              .entity(Person.class);
      System.out.println("\n" + person);
    };
  }
}
