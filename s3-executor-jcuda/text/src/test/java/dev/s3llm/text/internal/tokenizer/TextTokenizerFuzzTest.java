package dev.s3llm.text.internal.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.testing.Allocations;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** Tokenizer files of any content are loaded, and then work, or are refused. */
@Timeout(60)
class TextTokenizerFuzzTest {
  private static final long BYTES_AT_LEAST = 8 << 20;
  private static final long BYTES_A_BYTE = 400;
  private static final String FRAME =
      "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[%s],"
          + "\"normalizer\":%s,\"pre_tokenizer\":%s,\"post_processor\":%s,\"decoder\":%s,\"model\":%s}";
  private static final String PAD =
      "{\"id\":0,\"content\":\"<pad>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
          + "\"normalized\":false,\"special\":true}";

  @TempDir static Path folder;

  static Stream<byte[]> seeds() {
    String bytes =
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}";
    String vocabulary = "{\"<pad>\":0,\"a\":1,\"b\":2,\"ab\":3}";
    String pairs = "{\"type\":\"BPE\",\"vocab\":" + vocabulary + ",\"merges\":[\"a b\"]}";
    String words = "{\"type\":\"WordLevel\",\"vocab\":" + vocabulary + ",\"unk_token\":\"<pad>\"}";
    String pieces =
        "{\"type\":\"WordPiece\",\"vocab\":"
            + vocabulary
            + ",\"unk_token\":\"<pad>\","
            + "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100}";
    String unigram =
        "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<pad>\",0.0],[\"a\",-1.5],[\"ab\",-2.5]]}";
    String template =
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<pad>\",\"type_id\":0}},"
            + "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":"
            + "{\"<pad>\":{\"id\":\"<pad>\",\"ids\":[0],\"tokens\":[\"<pad>\"]}}}";
    return Stream.of(
            FRAME.formatted(PAD, "null", bytes, "null", bytes, pairs),
            FRAME.formatted(
                "", "{\"type\":\"NFC\"}", "{\"type\":\"Whitespace\"}", template, "null", words),
            FRAME.formatted(
                PAD,
                "{\"type\":\"Lowercase\"}",
                "null",
                "null",
                "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}",
                pieces),
            FRAME.formatted(
                "",
                "null",
                "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":true}",
                "null",
                "null",
                unigram),
            FRAME.formatted("", "null", "null", "null", "null", pairs.replace("a b", " a")),
            FRAME.formatted("", "null", "null", "null", "null", pairs.replace("a b", "x y")),
            FRAME.formatted("", "null", "null", "null", "null", words.replace(":3", ":1")),
            FRAME.formatted("", "null", "null", "null", "null", words.replace(":3", ":-1")),
            FRAME.formatted("", "null", "null", "null", "null", words.replace(":3", ":4294967295")),
            FRAME.formatted(
                "", "null", "null", "null", "null", words.replace("\"b\":2", "\"a\":2")),
            "{\"model\":" + "[".repeat(500))
        .map(text -> text.getBytes(StandardCharsets.UTF_8));
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyFile_isLoadedOrRefused(byte[] content) throws Exception {
    Files.write(folder.resolve("tokenizer.json"), content);
    Allocations.assertWithin(
        BYTES_AT_LEAST + BYTES_A_BYTE * content.length, TextTokenizerFuzzTest::check);
  }

  private static void check() {
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      int[] tokens = tokenizer.encode("a ab\u00e9 \ud83d\ude00b  ");
      assertThat(Arrays.stream(tokens)).as("token ids").allMatch(id -> id >= 0);
      assertThat(tokenizer.decode(tokens)).isNotNull();
      assertThat(tokenizer.decode(0, 1, Integer.MAX_VALUE)).isNotNull();
    } catch (ModelFormatException e) {
      assertThat(e).hasMessageStartingWith(folder.resolve("tokenizer.json").toString());
    }
  }
}
