package dev.s3llm.examples.langchain4j;

import dev.s3llm.text.TextGenerator;

/** LangChain4j's common tests with answers from a script, through the engine and the tokenizer. */
class ScriptedChatModelTest extends ChatModelContract {

  @Override
  TextGenerator generator() {
    return Generators.scripted();
  }
}
