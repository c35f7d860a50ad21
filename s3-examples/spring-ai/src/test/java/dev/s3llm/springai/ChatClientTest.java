package dev.s3llm.springai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.text.TextGenerator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.client.advisor.MessageChatMemoryAdvisor;
import org.springframework.ai.chat.memory.ChatMemory;
import org.springframework.ai.chat.memory.MessageWindowChatMemory;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.converter.ListOutputConverter;
import org.springframework.ai.converter.MapOutputConverter;
import org.springframework.core.ParameterizedTypeReference;

/** What applications do with a chat client, on scripted answers. */
class ChatClientTest {
  private static final TextGenerator GENERATOR = Generators.scripted();
  private static final ChatClient CLIENT =
      ChatClient.builder(S3ChatModel.builder(GENERATOR).build())
          .defaultAdvisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT)
          .build();

  record Person(String name, int age) {}

  record Weather(String city, int degrees) {}

  @AfterAll
  static void close() {
    GENERATOR.close();
  }

  @Test
  void record_isFilledFromAnAnswerThatKeepsItsSchema() {
    Person person =
        CLIENT.prompt("How old was Ada Lovelace? Answer as JSON.").call().entity(Person.class);

    assertThat(person).isEqualTo(new Person("Ada Lovelace", 36));
  }

  @Test
  void listOfRecords_isFilledToo() {
    List<Person> people =
        CLIENT
            .prompt("How old were Ada Lovelace and Alan Turing? Answer as JSON.")
            .call()
            .entity(new ParameterizedTypeReference<List<Person>>() {});

    assertThat(people)
        .containsExactly(new Person("Ada Lovelace", 36), new Person("Alan Turing", 41));
  }

  @Test
  void listAndMapOfTexts_areReadFromInstructionsInThePrompt() {
    assertThat(CLIENT.prompt("Name three colours.").call().entity(new ListOutputConverter()))
        .containsExactly("red", "green", "blue");
    assertThat(CLIENT.prompt("Number two colours.").call().entity(new MapOutputConverter()))
        .isEqualTo(Map.of("red", 1, "green", 2));
  }

  @Test
  void twoTools_areCalledOneAfterTheOther() {
    Atlas atlas = new Atlas();
    ChatResponse response =
        CLIENT
            .prompt("How warm is it in the capital of France?")
            .tools(atlas)
            .call()
            .chatResponse();

    assertThat(response.getResult().getOutput().getText()).isEqualTo("It is 20 degrees in Paris.");
    assertThat(atlas.calls).containsExactly("capital France", "temperature Paris");
    assertThat(response.getMetadata().getUsage().getPromptTokens()).isGreaterThan(500);
  }

  @Test
  void twoTools_areCalledWhileTheAnswerStreams() {
    Atlas atlas = new Atlas();
    List<String> pieces =
        CLIENT.prompt("How warm is it in the capital of France?").tools(atlas).stream()
            .content()
            .collectList()
            .block();

    assertThat(pieces).hasSizeGreaterThan(1);
    assertThat(String.join("", pieces)).isEqualTo("It is 20 degrees in Paris.");
    assertThat(atlas.calls).containsExactly("capital France", "temperature Paris");
  }

  @Test
  void toolsAndARecord_areOneConversation() {
    Atlas atlas = new Atlas();
    Weather weather =
        CLIENT
            .prompt("How warm is it in the capital of France?")
            .tools(atlas)
            .call()
            .entity(Weather.class);

    assertThat(weather).isEqualTo(new Weather("Paris", 20));
    assertThat(atlas.calls).containsExactly("capital France", "temperature Paris");
  }

  @Test
  void memory_carriesTheConversation() {
    ChatClient client =
        CLIENT
            .mutate()
            .defaultAdvisors(
                MessageChatMemoryAdvisor.builder(MessageWindowChatMemory.builder().build()).build())
            .defaultAdvisors(advisors -> advisors.param(ChatMemory.CONVERSATION_ID, "ann"))
            .build();

    assertThat(client.prompt("I am Ann.").call().content()).isEqualTo("Hello Ann.");
    assertThat(client.prompt("What is my name?").call().content()).isEqualTo("Your name is Ann.");
  }
}
