package dev.s3llm.springai;

import dev.s3llm.text.TextGenerator;
import org.junit.jupiter.api.AfterAll;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.test.chat.client.advisor.AbstractToolCallingAdvisorIT;

/** Spring AI's own tests of tool calls, on scripted answers. */
class ScriptedToolCallingTest extends AbstractToolCallingAdvisorIT {
  private static final TextGenerator GENERATOR = Generators.scripted();

  @AfterAll
  static void close() {
    GENERATOR.close();
  }

  @Override
  protected ChatModel getChatModel() {
    return S3ChatModel.builder(GENERATOR).build();
  }
}
