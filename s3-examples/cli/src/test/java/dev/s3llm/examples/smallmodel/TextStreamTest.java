package dev.s3llm.examples.smallmodel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.internal.tokenizer.TextStream;
import dev.s3llm.text.internal.tokenizer.TextTokenizer;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Text that is streamed token by token equals the whole text, and has no partial characters. */
class TextStreamTest {
  private static final String[] TEXTS = {
    "plain words, then more",
    "naïve café — ∑ 日本語",
    "👩‍👩‍👧 and 🇩🇪 flags 👍🏽",
    "  spaces\n\tand tabs  ",
    "á́́́"
  };
  private static TextTokenizer tokenizer;

  @BeforeAll
  static void load() throws IOException {
    tokenizer = TextTokenizer.load(SmallModel.unpack());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  void pieces_addUpToTheTextAndNeverHoldHalfACharacter() {
    for (String text : TEXTS) {
      int[] tokens = tokenizer.encode(text);
      TextStream stream = tokenizer.stream();
      StringBuilder streamed = new StringBuilder();
      for (int token : tokens) {
        String piece = stream.append(token);
        assertThat(piece).as(text).doesNotContain("\uFFFD");
        streamed.append(piece);
      }
      streamed.append(stream.finish());
      assertThat(streamed).as(text).hasToString(tokenizer.decode(tokens));
    }
  }

  @Test
  void streamCutAnywhere_isAPrefixOfTheText() {
    for (String text : TEXTS) {
      int[] tokens = tokenizer.encode(text);
      String whole = tokenizer.decode(tokens);
      for (int cut = 0; cut <= tokens.length; cut++) {
        TextStream stream = tokenizer.stream();
        StringBuilder streamed = new StringBuilder();
        for (int i = 0; i < cut; i++) {
          streamed.append(stream.append(tokens[i]));
        }
        assertThat(whole).startsWith(streamed.toString());
      }
    }
  }

  @Test
  void anyTokens_streamAsTheyDecode() {
    Random random = new Random(1);
    for (int round = 0; round < 300; round++) {
      int[] tokens = random.ints(1 + random.nextInt(20), 0, 400).toArray();
      TextStream stream = tokenizer.stream();
      StringBuilder streamed = new StringBuilder();
      for (int token : tokens) {
        streamed.append(stream.append(token));
      }
      streamed.append(stream.finish());
      assertThat(streamed).as("round %d", round).hasToString(tokenizer.decode(tokens));
    }
  }
}
