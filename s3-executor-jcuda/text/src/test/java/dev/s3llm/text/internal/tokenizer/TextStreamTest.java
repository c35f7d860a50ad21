package dev.s3llm.text.internal.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A text that is decoded token by token equals the text, and comes in whole characters. */
class TextStreamTest {
  private static final String[] TEXTS = {
    "plain words, then more",
    "naïve café — ∑ 日本語",
    "👩‍👩‍👧 and 🇩🇪 flags 👍🏽",
    "  spaces\n\tand tabs  ",
    "á́́́"
  };
  private static final Path SMALL_MODEL =
      Path.of("../../s3-examples/small-model/src/main/resources/dev/s3llm/examples/model");

  private static TextTokenizer tokenizer;

  @BeforeAll
  static void load() {
    tokenizer = TextTokenizer.load(SMALL_MODEL);
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

  /** Special tokens, bytes and blanks among them, as Llama 2, Gemma, GPT-2 and BERT decode them. */
  @ParameterizedTest
  @ValueSource(strings = {"bytes", "pieces", "pieces without prefix", "words"})
  void anyTokensOfAnyKind_streamAsTheyDecode(String kind) {
    List<String> added = List.of("<unk>", "<s>", "</s>", "<tool_call>");
    byte[] json =
        switch (kind) {
          case "bytes" -> SmallTokenizers.byteLevel(added);
          case "words" -> SmallTokenizers.wordPieces(added);
          default -> SmallTokenizers.pieces(added, kind.equals("pieces"));
        };
    try (TextTokenizer small = TextTokenizer.open(kind, json)) {
      Random random = new Random(3);
      for (int round = 0; round < 400; round++) {
        int[] tokens = randomTokens(small, random);
        TextStream stream = small.stream();
        StringBuilder streamed = new StringBuilder();
        for (int token : tokens) {
          streamed.append(stream.append(token));
          assertThat(small.decode(tokens)).as("round %d", round).startsWith(streamed);
        }
        streamed.append(stream.finish());
        assertThat(streamed).as("round %d", round).hasToString(small.decode(tokens));
      }
    }
  }

  /** Few ids near each other, so that runs of bytes and blanks occur. */
  private static int[] randomTokens(TextTokenizer small, Random random) {
    int[] text = small.encode("a  er <s> \u00e9\ud83d\ude00 \n do not . it's", false);
    int base = random.nextInt(300);
    return random
        .ints(1 + random.nextInt(40), 0, 100)
        .map(i -> i < 10 ? i % 4 : i < 60 ? text[i % text.length] : base + i % 20)
        .toArray();
  }

  @Test
  void blankBehindASpecialToken_isKept() {
    try (TextTokenizer small =
        TextTokenizer.open("pieces", SmallTokenizers.pieces(List.of("<unk>", "<s>"), true))) {
      int[] tokens = {small.encode("b", false)[1], 1, small.encode("a", false)[0]};
      TextStream stream = small.stream();
      assertThat(stream.append(tokens[0]) + stream.append(tokens[1]) + stream.append(tokens[2]))
          .isEqualTo("b a")
          .isEqualTo(small.decode(tokens));
    }
  }

  @Test
  void endlessBlanks_areDecodedInShortWindows() {
    try (TextTokenizer small =
        TextTokenizer.open("pieces", SmallTokenizers.pieces(List.of("<unk>"), true))) {
      int blank = small.encode("a b", false)[1];
      TextStream stream = small.stream();
      long start = System.nanoTime();
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 20_000; i++) {
        text.append(stream.append(blank));
      }
      assertThat(text).hasSize(19_999).isBlank();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    }
  }
}
