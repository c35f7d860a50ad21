package dev.s3llm.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.s3llm.text.TextGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtendWith;

/** LangChain4j's common tests on the embedded model, without those that need knowledge. */
@ExtendWith(NeedsKnowledge.class)
class EmbeddedStreamingChatModelTest extends StreamingChatModelContract {

  @Override
  TextGenerator generator() {
    return Generators.embedded();
  }

  /** None: the tests with a listener need knowledge too. */
  @Override
  public @Nullable StreamingChatModel createModelWith(ChatModelListener listener) {
    return null;
  }

  /** Runs on the scripted model only: each run takes half a minute. */
  @Override
  protected boolean supportsStreamingCancellation() {
    return false;
  }
}
