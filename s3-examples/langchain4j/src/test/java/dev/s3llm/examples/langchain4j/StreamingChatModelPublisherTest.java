package dev.s3llm.examples.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelPublisherListenerTest;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.s3llm.text.TextGenerator;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** LangChain4j's tests of listeners while a publisher streams. */
class StreamingChatModelPublisherTest extends AbstractStreamingChatModelPublisherListenerTest {
  private TextGenerator generator;

  @AfterEach
  void close() {
    generator.engine().closeNow();
    generator.close();
  }

  @Override
  protected StreamingChatModel createModel(ChatModelListener listener, StreamScenario scenario) {
    generator =
        Generators.scripted(
            Duration.ofMillis(scenario.spreadOverMillis() / Math.max(1, scenario.contentChunks())));
    if (scenario.fail()) {
      generator.close(); // refuses
    }
    return S3StreamingChatModel.builder(generator).listeners(List.of(listener)).build();
  }
}
