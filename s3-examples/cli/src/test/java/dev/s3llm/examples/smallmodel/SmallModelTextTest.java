package dev.s3llm.examples.smallmodel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The small model through the text layer. */
class SmallModelTextTest {
  private static final String QUESTION = "What is the capital of France?";
  private static TextGenerator generator;

  @BeforeAll
  static void load() {
    Path folder = SmallModel.unpack();
    S3Engine engine = S3Engine.builder(CpuExecutor.builder(folder).build()).build();
    generator = TextGenerator.of(engine, TextModel.load(folder));
  }

  @AfterAll
  static void close() {
    generator.close();
  }

  private static TextResult answer(TextRequest request) {
    return generator.submit(request).result().join();
  }

  @Test
  void text_isThatOfTheTokens() {
    TextModel model = generator.model();
    int[] tokens =
        generator
            .engine()
            .submit(
                GenerationRequest.builder(model.encode(QUESTION))
                    .maxNewTokens(40)
                    .stopTokens(model.stopTokens())
                    .build())
            .result()
            .join()
            .tokens();
    TextResult result = answer(TextRequest.builder().prompt(QUESTION).maxNewTokens(40).build());
    assertThat(result.generation().tokens()).isEqualTo(tokens);
    assertThat(result.text()).isEqualTo(model.decode(tokens)).isNotBlank();
  }

  @Test
  void conversation_isFramedOnceByTheTokenizer() {
    TextModel model = generator.model();
    assertThat(model.encode(List.of(ChatMessage.user(QUESTION)))).isEqualTo(model.encode(QUESTION));
    assertThat(model.encode(List.of(ChatMessage.system("Be brief."), ChatMessage.user(QUESTION))))
        .isEqualTo(model.encode("Be brief.\n\n" + QUESTION));
    assertThat(model.encode(QUESTION, false)).hasSize(model.encode(QUESTION).length - 2);
  }

  @Test
  void stopString_cutsTheAnswer() {
    String whole = answer(TextRequest.builder().prompt(QUESTION).maxNewTokens(40).build()).text();
    String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 2);
    TextResult cut =
        answer(TextRequest.builder().prompt(QUESTION).maxNewTokens(40).stop(stop).build());
    assertThat(cut.text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(cut.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(cut.stopString()).hasValue(stop);
  }
}
