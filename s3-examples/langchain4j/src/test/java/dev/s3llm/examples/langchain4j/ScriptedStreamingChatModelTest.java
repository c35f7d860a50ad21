package dev.s3llm.examples.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.s3llm.text.TextGenerator;
import java.util.List;

/** LangChain4j's common tests with answers from a script, through the engine and the tokenizer. */
class ScriptedStreamingChatModelTest extends StreamingChatModelContract {

  @Override
  TextGenerator generator() {
    return Generators.scripted();
  }

  @Override
  public StreamingChatModel createModelWith(ChatModelListener listener) {
    return builder().listeners(List.of(listener)).build();
  }
}
