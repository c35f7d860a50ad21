package dev.s3llm.examples.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.service.Result;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class RetrievalExampleTest {

  @Test
  void question_isAnsweredFromThePassagesNearestToIt() {
    List<ChatRequest> requests = new CopyOnWriteArrayList<>();
    ChatModel model =
        new ChatModel() {
          @Override
          public ChatResponse doChat(ChatRequest request) {
            requests.add(request);
            return ChatResponse.builder().aiMessage(AiMessage.from("By weight.")).build();
          }
        };

    Result<String> result =
        RetrievalExample.assistant(model).answer("How is the engine shared between tenants?");

    assertThat(result.content()).isEqualTo("By weight.");
    assertThat(result.sources()).hasSize(2);
    String prompt = ((UserMessage) requests.get(0).messages().get(0)).singleText();
    assertThat(result.sources())
        .allSatisfy(source -> assertThat(prompt).contains(source.textSegment().text()));
    assertThat(prompt).containsIgnoringCase("tenant").contains("weight");
  }

  @Test
  void main_answersOffline() {
    PrintStream console = System.out;
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    System.setOut(new PrintStream(written, true, StandardCharsets.UTF_8));
    try {
      RetrievalExample.main(new String[] {"How are tenants served?"});
    } finally {
      System.setOut(console);
    }

    List<String> lines = written.toString(StandardCharsets.UTF_8).lines().toList();
    assertThat(lines).filteredOn(line -> line.matches("-- \\w+\\.md")).hasSize(2);
    int question = lines.indexOf("== How are tenants served?");
    assertThat(lines.subList(0, question)).anyMatch(line -> line.contains("tenant"));
    assertThat(String.join("", lines.subList(question + 1, lines.size()))).isNotBlank();
  }
}
