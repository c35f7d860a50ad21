package dev.s3llm.spring.guide;

import dev.s3llm.springai.S3ChatModel;
import dev.s3llm.springai.S3ChatOptions;
import dev.s3llm.springai.S3Usage;
import dev.s3llm.text.TextGenerator;
import java.time.Duration;
import java.util.List;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.ai.tool.annotation.ToolParam;
import org.springframework.core.ParameterizedTypeReference;
import reactor.core.publisher.Flux;

/** What docs/spring.md shows of chat clients, compiled. */
final class SpringGuide {
  record Person(String name, int age) {}

  static class Atlas {
    @Tool(description = "Returns the capital of a country.")
    String capital(@ToolParam(description = "name of the country") String country) {
      return country.equals("France") ? "Paris" : "unknown";
    }
  }

  private final ChatClient client;

  SpringGuide(ChatClient client) {
    this.client = client;
  }

  Flux<String> stream(String question) {
    return client.prompt(question).stream().content();
  }

  String tools() {
    return client.prompt("What is the capital of France?").tools(new Atlas()).call().content();
  }

  List<Person> people() {
    return client
        .prompt("Name two people with their ages, as JSON.")
        .call()
        .entity(new ParameterizedTypeReference<List<Person>>() {});
  }

  String options() {
    return client
        .prompt("Tell me about the sea.")
        .options(
            S3ChatOptions.builder()
                .temperature(0.7)
                .maxTokens(200)
                .tenant("docs")
                .deadline(Duration.ofSeconds(30)))
        .call()
        .content();
  }

  String thinking() {
    ChatResponse response = client.prompt("How much is 17 times 3?").call().chatResponse();
    Object reasoning = response.getResult().getOutput().getMetadata().get("reasoningContent");
    S3Usage usage = (S3Usage) response.getMetadata().getUsage().getNativeUsage();
    return reasoning + ", " + usage.reasoningTokens() + " tokens";
  }

  static ChatModel withoutBoot(TextGenerator generator) {
    ChatModel model = S3ChatModel.builder(generator).modelName("my-model").build();
    return model;
  }
}
