package dev.s3llm.text.internal.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bytes of tokens, one after the other, are the text that the native library decodes. */
class TokenBytesTest {
  private static final List<String> ADDED = List.of("<unk>", "<s>", "<tool_call>");
  private static final int SIZE = 400;

  private static TextTokenizer open(String kind) {
    byte[] json =
        switch (kind) {
          case "byte level" -> SmallTokenizers.byteLevel(ADDED);
          case "pieces" -> SmallTokenizers.pieces(ADDED, false);
          default -> SmallTokenizers.wordPieces(ADDED);
        };
    return TextTokenizer.open(kind, json);
  }

  @ParameterizedTest
  @ValueSource(strings = {"byte level", "pieces"})
  void bytesOfTokens_addUpToTheDecodedText(String kind) {
    try (TextTokenizer tokenizer = open(kind)) {
      List<byte[]> bytes = tokenizer.tokenBytes(SIZE);
      assertThat(bytes).hasSize(SIZE);
      for (String text : List.of("a tea, \u00e9\n", "  <|x|> \u65e5", "ester 0x0A")) {
        int[] tokens = tokenizer.encode(text, false);
        assertThat(text(bytes, tokens)).isEqualTo(tokenizer.decode(tokens)).isEqualTo(text);
      }
      Random random = new Random(5);
      for (int i = 0; i < 200; i++) {
        int[] tokens = random.ints(6, 2, 60).toArray();
        assertThat(text(bytes, tokens)).isEqualTo(tokenizer.decode(tokens));
      }
    }
  }

  @Test
  void controlTokens_haveNoBytes_addedTextHas() {
    try (TextTokenizer tokenizer = open("byte level")) {
      List<byte[]> bytes = tokenizer.tokenBytes(SIZE);
      assertThat(bytes.get(0)).isEmpty();
      assertThat(bytes.get(1)).isEmpty();
      assertThat(bytes.get(2)).asString().isEqualTo("<tool_call>");
      assertThat(bytes.get(SIZE - 1)).isEmpty();
    }
  }

  @Test
  void wordPieces_areRefused() {
    try (TextTokenizer tokenizer = open("word pieces")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.tokenBytes(SIZE))
          .withMessageContaining("decoder");
    }
  }

  private static String text(List<byte[]> bytes, int[] tokens) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int token : tokens) {
      all.writeBytes(bytes.get(token));
    }
    return all.toString(StandardCharsets.UTF_8);
  }
}
