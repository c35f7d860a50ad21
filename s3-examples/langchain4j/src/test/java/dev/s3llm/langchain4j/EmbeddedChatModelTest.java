package dev.s3llm.langchain4j;

import dev.s3llm.text.TextGenerator;
import org.junit.jupiter.api.extension.ExtendWith;

/** LangChain4j's common tests on the embedded model, without those that need knowledge. */
@ExtendWith(NeedsKnowledge.class)
class EmbeddedChatModelTest extends ChatModelContract {

  @Override
  TextGenerator generator() {
    return Generators.embedded();
  }
}
