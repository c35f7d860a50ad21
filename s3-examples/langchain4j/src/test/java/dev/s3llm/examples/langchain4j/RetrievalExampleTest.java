package dev.s3llm.examples.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.service.Result;
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
    RetrievalExample.main(new String[] {"How are tenants served?"});
  }
}
