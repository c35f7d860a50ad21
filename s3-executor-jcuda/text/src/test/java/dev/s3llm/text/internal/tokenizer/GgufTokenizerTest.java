package dev.s3llm.text.internal.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tokenizers that are made of the metadata of GGUF files. */
class GgufTokenizerTest {
  private static final Path REAL = Path.of("../../../shared/data/models/smollm2-135m-instruct");

  private static Map<String, Object> bytes(String pre) {
    List<String> tokens = new ArrayList<>(List.of("<|endoftext|>", "<|im_end|>"));
    int moved = 0;
    for (int b = 0; b < 256; b++) {
      boolean own = b >= 33 && b <= 126 || b >= 161 && b != 173;
      tokens.add(Character.toString(own ? b : 256 + moved++));
    }
    tokens.add("12");
    tokens.add("ab");
    long[] types = new long[tokens.size()];
    Arrays.fill(types, 1);
    types[0] = 3;
    types[1] = 3;
    Map<String, Object> metadata = new HashMap<>();
    metadata.put("tokenizer.ggml.model", "gpt2");
    metadata.put("tokenizer.ggml.pre", pre);
    metadata.put("tokenizer.ggml.tokens", tokens);
    metadata.put("tokenizer.ggml.token_type", types);
    metadata.put("tokenizer.ggml.merges", List.of("1 2", "a b"));
    metadata.put("tokenizer.ggml.bos_token_id", 0L);
    metadata.put("tokenizer.ggml.eos_token_id", 0L);
    return metadata;
  }

  private static TextTokenizer open(Map<String, ?> metadata) {
    return TextTokenizer.open("test.gguf", GgufTokenizer.json("test.gguf", metadata));
  }

  @Test
  void expressions_divideAsTheirNamesSay() {
    try (TextTokenizer gpt2 = open(bytes("gpt-2"));
        TextTokenizer smollm = open(bytes("smollm"))) {
      assertThat(gpt2.encode("12", false)).containsExactly(258);
      assertThat(smollm.encode("12", false)).hasSize(2);
      assertThat(smollm.encode("ab<|im_end|>", false)).containsExactly(259, 1);
      assertThat(smollm.decode(smollm.encode("na\u00efve ab\n", false)))
          .isEqualTo("na\u00efve ab\n");
    }
  }

  @Test
  void allNamedExpressions_areLoadedAndSafe() {
    for (String name : GgufExpressions.names()) {
      try (TextTokenizer tokenizer = open(bytes(name))) {
        String text = "It's 1234 \u4f60\u597d, na\u00efve FooBar()\r\n\n  x \u0301";
        assertThat(tokenizer.decode(tokenizer.encode(text, false))).as(name).isEqualTo(text);
        int[] blanks = tokenizer.encode("a" + " ".repeat(2000) + "b", false);
        assertThat(blanks).as(name).hasSize(2002);
      }
    }
  }

  @Test
  void startToken_isAddedWhereTheFileOrTheKindSaysSo() {
    Map<String, Object> metadata = bytes("llama-bpe");
    try (TextTokenizer tokenizer = open(metadata)) {
      assertThat(tokenizer.encode("ab")).containsExactly(0, 259);
    }
    metadata.put("tokenizer.ggml.add_bos_token", false);
    metadata.put("tokenizer.ggml.add_eos_token", true);
    try (TextTokenizer tokenizer = open(metadata)) {
      assertThat(tokenizer.encode("ab")).containsExactly(259, 0);
    }
  }

  @Test
  void endTokens_areThoseOfTheFileAndWellKnownOnes() {
    Map<String, Object> metadata = bytes("gpt-2");
    assertThat(GgufTokenizer.endTokens("f", metadata)).containsExactly(0, 1);
    metadata.put("tokenizer.ggml.eot_token_id", 5);
    metadata.put("tokenizer.ggml.eos_token_ids", new int[] {7});
    assertThat(GgufTokenizer.endTokens("f", metadata)).containsExactly(0, 1, 5, 7);
    metadata.put("tokenizer.ggml.eot_token_id", 9999);
    assertThatThrownBy(() -> GgufTokenizer.endTokens("f", metadata))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("eot_token_id is 9999");
  }

  @Test
  void whatIsNotKnown_isRefusedByName() {
    Map<String, Object> metadata = bytes("martian");
    assertThatThrownBy(() -> open(metadata))
        .hasMessageContaining("test.gguf: tokenizer.ggml.pre is 'martian'")
        .hasMessageContaining("tokenizer.json instead")
        .hasMessageContaining("smollm");
    metadata.put("tokenizer.ggml.model", "bert");
    assertThatThrownBy(() -> open(metadata)).hasMessageContaining("model is 'bert'");
    metadata.remove("tokenizer.ggml.tokens");
    assertThatThrownBy(() -> open(metadata)).hasMessageContaining("tokens is missing");
  }

  /** Scores decide which neighbours are joined first, as in SentencePiece. */
  @Test
  void piecesWithScores_areJoinedByScore() {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    List<Integer> types = new ArrayList<>(List.of(2, 3, 3));
    List<Float> scores = new ArrayList<>(List.of(0f, 0f, 0f));
    for (int b = 0; b < 256; b++) {
      tokens.add("<0x%02X>".formatted(b));
      types.add(6);
      scores.add(0f);
    }
    String[] pieces = {"\u2581", "a", "b", "c", "\u2581a", "ab", "bc", "abc", "s>", "<", "s", ">"};
    float[] values = {-9, -9, -9, -9, -3, -2, -1, -4, -5, -9, -9, -9};
    for (int i = 0; i < pieces.length; i++) {
      tokens.add(pieces[i]);
      types.add(1);
      scores.add(values[i]);
    }
    Map<String, Object> metadata = new HashMap<>();
    metadata.put("tokenizer.ggml.model", "llama");
    metadata.put("tokenizer.ggml.tokens", tokens);
    metadata.put("tokenizer.ggml.token_type", types);
    metadata.put("tokenizer.ggml.scores", scores);
    try (TextTokenizer tokenizer = open(metadata)) {
      int first = 3 + 256;
      assertThat(tokenizer.encode("abc")).containsExactly(1, first + 4, first + 6);
      assertThat(tokenizer.encode("ab", false)).containsExactly(first, first + 5);
      assertThat(tokenizer.encode("\u00e9", false)).containsExactly(first, 3 + 0xC3, 3 + 0xA9);
      assertThat(tokenizer.encode("<s>", false)).containsExactly(1);
      assertThat(tokenizer.encodeText("<s>", false)).containsExactly(first, first + 9, first + 8);
      assertThat(tokenizer.decode(tokenizer.encode("abc a \u00e9"))).isEqualTo("abc a \u00e9");
    }
    metadata.put("tokenizer.ggml.add_space_prefix", false);
    try (TextTokenizer tokenizer = open(metadata)) {
      assertThat(tokenizer.encode("abc", false)).containsExactly(3 + 256 + 7);
    }
    metadata.put("tokenizer.ggml.scores", new float[3]);
    assertThatThrownBy(() -> open(metadata)).hasMessageContaining("scores has 3 numbers");
  }

  @Test
  void realModel_hasTheTokensOfItsReference() throws IOException {
    assumeThat(REAL)
        .as("the real model is not beside the checkout, so this test did not run")
        .exists();
    ObjectMapper mapper = new ObjectMapper();
    try (TextTokenizer tokenizer =
        TextTokenizer.load(REAL.resolve("SmolLM2-135M-Instruct.Q4_1.gguf"))) {
      for (String line : Files.readAllLines(REAL.resolve("tokens.jsonl"))) {
        JsonNode row = mapper.readTree(line);
        String text = row.path("text").asText();
        int[] ids =
            row.path("special").asBoolean()
                ? tokenizer.encode(text, false)
                : tokenizer.encodeText(text, false);
        assertThat(ids).as(line).isEqualTo(mapper.convertValue(row.path("tokens"), int[].class));
      }
    }
  }
}
