package dev.s3llm.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.s3llm.text.TextGenerator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** LangChain4j's tests of a streaming chat model's listeners. */
class StreamingChatModelListenerTest extends AbstractStreamingChatModelListenerIT {
  private final TextGenerator generator = Generators.scripted();

  @AfterEach
  void close() {
    generator.close();
  }

  @Override
  protected StreamingChatModel createModel(ChatModelListener listener) {
    return S3StreamingChatModel.builder(generator)
        .defaultRequestParameters(
            S3ChatRequestParameters.builder()
                .temperature(temperature())
                .topP(topP())
                .maxOutputTokens(maxTokens())
                .build())
        .listeners(List.of(listener))
        .build();
  }

  @Override
  protected StreamingChatModel createFailingModel(ChatModelListener listener) {
    return createModel(listener); // the script has no answer to the test's prompt
  }

  @Override
  protected Class<? extends Exception> expectedExceptionClass() {
    return InternalServerException.class;
  }

  @Override
  protected @Nullable String modelName() {
    return null; // requests name none
  }
}
