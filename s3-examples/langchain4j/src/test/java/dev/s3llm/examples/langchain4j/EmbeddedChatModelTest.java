package dev.s3llm.examples.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.s3llm.text.TextGenerator;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;

/** LangChain4j's common tests on the embedded model, but for those that ask for knowledge. */
class EmbeddedChatModelTest extends ChatModelContract {
  private static final String KNOWS_TOO_LITTLE =
      "asks for an answer that a model of 5.5 million parameters does not know; the scripted one runs it";

  @Override
  TextGenerator generator() {
    return Generators.embedded();
  }

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_user_message(ChatModel model) {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_system_message(ChatModel model) {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_multiple_messages(ChatModel model) {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_stopSequences_in_chat_request(ChatModel model) {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_respect_stopSequences_in_default_model_parameters() {}

  @Override
  @Test
  @Disabled(KNOWS_TOO_LITTLE)
  protected void should_chat_asynchronously(ChatModel model) {}
}
