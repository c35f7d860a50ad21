package dev.s3llm.examples.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.s3llm.text.TextGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;

/** LangChain4j's common tests on the embedded model, but for those that ask for knowledge. */
class EmbeddedStreamingChatModelTest extends StreamingChatModelContract {
  private static final String KNOWS_TOO_LITTLE =
      "asks for an answer that a model of 5.5 million parameters does not know; the scripted one runs it";

  @Override
  TextGenerator generator() {
    return Generators.embedded();
  }

  /** None: the tests with a listener ask for Berlin too. */
  @Override
  public @Nullable StreamingChatModel createModelWith(ChatModelListener listener) {
    return null;
  }

  /** Waits for half a minute each time; once is enough. */
  @Override
  protected boolean supportsStreamingCancellation() {
    return false;
  }

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_user_message(StreamingChatModel model) {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_system_message(StreamingChatModel model) {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_multiple_messages(StreamingChatModel model) {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_stopSequences_in_chat_request(StreamingChatModel model) {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_stopSequences_in_default_model_parameters() {}
}
