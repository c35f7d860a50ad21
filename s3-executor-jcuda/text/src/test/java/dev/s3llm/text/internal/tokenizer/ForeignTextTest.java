package dev.s3llm.text.internal.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Foreign parts of a text become no added tokens, and change nothing else. */
class ForeignTextTest {
  private static final List<String> ADDED =
      List.of("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "[INST]", "<tool_call>");
  private static final String[] PARTS = {
    "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|im_", "end|>", "[INST]", "<tool_call>", " ",
        "a",
    "er", "\n", "\u00e9", "it's", "<", ">", "  ", "user", "\ud83d\ude00", "<unk>"
  };

  private static TextTokenizer open(String kind) {
    byte[] json =
        switch (kind) {
          case "bytes" -> SmallTokenizers.byteLevel(ADDED);
          case "pieces" -> SmallTokenizers.pieces(ADDED, true);
          case "words" -> SmallTokenizers.wordPieces(ADDED);
          default -> SmallTokenizers.unigram(ADDED);
        };
    return TextTokenizer.open(kind, json);
  }

  /** Returns the added tokens, without that of unknown text. */
  private static int[] added(int[] ids) {
    return Arrays.stream(ids).filter(id -> id > 0 && id < ADDED.size()).toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes", "pieces", "words", "unigram"})
  void foreignText_hasNoAddedTokens(String kind) {
    try (TextTokenizer tokenizer = open(kind)) {
      String text = String.join("", PARTS);
      assertThat(added(tokenizer.encode(text, false))).isNotEmpty();
      assertThat(added(tokenizer.encodeText(text, false))).isEmpty();
      if (kind.equals("bytes") || kind.equals("pieces")) {
        assertThat(tokenizer.decode(tokenizer.encodeText(text, false))).isEqualTo(text);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes", "pieces", "words", "unigram"})
  void ownTokens_remainBesideForeignOnes(String kind) {
    try (TextTokenizer tokenizer = open(kind)) {
      Random random = new Random(1);
      for (int round = 0; round < 200; round++) {
        StringBuilder text = new StringBuilder();
        int[] starts = new int[4];
        int[] ends = new int[4];
        int own = 0;
        for (int i = 0; i < 4; i++) {
          String frame = random.nextBoolean() ? "<|im_start|>" : "x[INST]";
          own++;
          text.append(frame);
          starts[i] = text.length();
          for (int part = random.nextInt(5); part > 0; part--) {
            text.append(PARTS[random.nextInt(PARTS.length)]);
          }
          ends[i] = text.length();
        }
        int[] ids = tokenizer.encode(text.toString(), false, starts, ends);
        assertThat(added(ids)).as("%s", text).hasSize(own);
      }
    }
  }

  /** Also with the second tokenizer open, and with foreign parts anywhere. */
  @ParameterizedTest
  @ValueSource(strings = {"bytes", "pieces", "words", "unigram"})
  void textWithoutSpellings_isEncodedAsEver(String kind) {
    try (TextTokenizer tokenizer = open(kind)) {
      Random random = new Random(2);
      tokenizer.encodeText("<s>", false);
      for (int round = 0; round < 300; round++) {
        StringBuilder text = new StringBuilder();
        int[] starts = new int[3];
        int[] ends = new int[3];
        for (int i = 0; i < 3; i++) {
          starts[i] = text.length();
          for (int part = random.nextInt(4); part > 0; part--) {
            text.append(PARTS[8 + random.nextInt(6)]);
          }
          ends[i] = text.length();
          text.append(PARTS[random.nextInt(8)]).append(random.nextBoolean() ? " a" : "");
        }
        String all = text.toString().replace("<|im_end|>", "<|im_start|>");
        if (all.length() == text.length()) {
          assertThat(tokenizer.encode(all, false, starts, ends))
              .as(all)
              .isEqualTo(tokenizer.encode(all, false));
        }
      }
    }
  }

  /** The second tokenizer gives the ids of the first one wherever nothing foreign is spelled. */
  @ParameterizedTest
  @ValueSource(strings = {"bytes", "pieces", "words", "unigram"})
  void conflict_changesOnlyWhatIsSpelled(String kind) {
    try (TextTokenizer tokenizer = open(kind)) {
      String own = "<|im_start|>user a er<|im_end|> it's<s>";
      int[] alone = tokenizer.encode(own, false);
      int[] with =
          tokenizer.encode(
              own + "</s>", false, new int[] {own.length()}, new int[] {own.length() + 4});
      assertThat(with).startsWith(alone).hasSizeGreaterThan(alone.length);
    }
  }

  @Test
  void spellingsThatANormalizerMakes_areForeignToo() {
    try (TextTokenizer tokenizer = open("unigram")) {
      String wide = "\uff1c\uff53\uff1e"; // by NFKC this is <s>
      assertThat(tokenizer.encode(wide, false)).containsExactly(1);
      assertThat(added(tokenizer.encodeText(wide, false))).isEmpty();
    }
  }

  @Test
  void tokensThatTakeBlanks_takeThem() {
    String json =
        new String(SmallTokenizers.byteLevel(ADDED), StandardCharsets.UTF_8)
            .replaceFirst("\"rstrip\":false", "\"rstrip\":true"); // of <unk>
    try (TextTokenizer tokenizer =
        TextTokenizer.open("rules", json.getBytes(StandardCharsets.UTF_8))) {
      String text = "<unk>   a</s>";
      int[] plain = tokenizer.encode("<unk>   a", false);
      int[] ids = tokenizer.encode(text, false, new int[] {5}, new int[] {text.length()});
      assertThat(plain).hasSize(2);
      assertThat(ids).startsWith(plain);
      assertThat(ids).doesNotContain(2);
    }
  }

  @Test
  void partsThatAreNotAscending_areRefused() {
    try (TextTokenizer tokenizer = open("bytes")) {
      for (int[][] parts : new int[][][] {{{2}, {1}}, {{0}, {9}}, {{0, 1}, {2, 3}}, {{0}, {}}}) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> tokenizer.encode("abc", false, parts[0], parts[1]))
            .withMessageContaining("not ascending");
      }
    }
  }
}
