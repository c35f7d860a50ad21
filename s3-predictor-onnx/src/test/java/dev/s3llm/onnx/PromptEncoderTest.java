package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PromptEncoderTest {
  private static final byte[] TOKENIZER = TinyModel.tokenizer().getBytes(StandardCharsets.UTF_8);

  @Test
  void longPrompt_keepsItsHeadAndItsTail() {
    try (PromptEncoder encoder = new PromptEncoder(TOKENIZER, 7)) {
      assertThat(encoder.encode("w0 w1 w2 w3 w4 w5 w6 w7 w8 w9"))
          .containsExactly(1, 2, 3, 7, 8, 9, 10);
      assertThat(encoder.encode("w0 w1")).containsExactly(1, 2);
    }
  }

  @Test
  void absurdlyLongPrompt_keepsBothEnds() {
    String prompt = "w1 " + "w2 ".repeat(1_000_000) + "w3";
    try (PromptEncoder encoder = new PromptEncoder(TOKENIZER, 8)) {
      long[] ids = encoder.encode(prompt);
      assertThat(ids).hasSize(8).startsWith(2, 3).endsWith(3, 4);
    }
  }

  @Test
  void emptyPrompt_isOneUnknownToken() {
    try (PromptEncoder encoder = new PromptEncoder(TOKENIZER, 8)) {
      assertThat(encoder.encode("")).containsExactly(0);
    }
  }

  @Test
  void headAndTail_atTheLimits() {
    long[] ids = LongStream.range(0, 10).toArray();
    assertThat(PromptEncoder.headAndTail(ids, 10)).isSameAs(ids);
    assertThat(PromptEncoder.headAndTail(ids, 9)).containsExactly(0, 1, 2, 3, 5, 6, 7, 8, 9);
    assertThat(PromptEncoder.headAndTail(ids, 1)).containsExactly(9);
  }

  @Test
  void brokenTokenizer_isRefusedByName() {
    assertThatExceptionOfType(LengthModelException.class)
        .isThrownBy(() -> new PromptEncoder("{}".getBytes(StandardCharsets.UTF_8), 8))
        .withMessageContaining("tokenizer.json");
  }
}
