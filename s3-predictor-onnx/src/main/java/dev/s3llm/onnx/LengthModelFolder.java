package dev.s3llm.onnx;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.common.hash.Hashing;
import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.text.internal.tokenizer.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The files of a length model, read completely and checked for damage: {@code length-model.json}
 * describes the model and holds the checksums of {@code model.onnx} and {@code tokenizer.json}.
 *
 * @param description the content of {@code length-model.json}
 * @param model the content of the ONNX file
 * @param tokenizer the content of the tokenizer file
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record LengthModelFolder(Description description, byte[] model, byte[] tokenizer) {
  static final String DESCRIPTION = "length-model.json";
  static final String MODEL = "model.onnx";
  static final String TOKENIZER = TextTokenizer.FILE;

  private static final long MAX_MODEL_BYTES = 512L << 20;
  private static final long MAX_DESCRIPTION_BYTES = 1L << 20;
  private static final int MAX_BUCKETS = 4096;
  private static final int MAX_INPUT_TOKENS = 8192;
  private static final int MAX_BATCH = 1024;
  private static final int FORMAT = 1;

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /**
   * Reads and checks a folder.
   *
   * @param folder the model folder
   * @throws LengthModelException if a file is missing or damaged, naming the file and the reason
   */
  static LengthModelFolder read(Path folder) {
    Path file = folder.resolve(DESCRIPTION);
    JsonNode json = parse(file, bytes(file, MAX_DESCRIPTION_BYTES));
    integer(file, json, "format", FORMAT, FORMAT);
    JsonNode sums = json.path("sha256");
    byte[] model = verified(folder.resolve(MODEL), MAX_MODEL_BYTES, sums);
    byte[] tokenizer = verified(folder.resolve(TOKENIZER), TextTokenizer.MAX_BYTES, sums);
    return new LengthModelFolder(description(file, json, sums), model, tokenizer);
  }

  private static Description description(Path file, JsonNode json, JsonNode sums) {
    return new Description(
        json.path("name").asText("unnamed"),
        buckets(file, json.path("upper_edges")),
        integer(file, json, "max_input_tokens", 4, MAX_INPUT_TOKENS),
        json.has("max_batch") ? integer(file, json, "max_batch", 1, MAX_BATCH) : MAX_BATCH,
        json.path("length_tokenizer").asText(""),
        sums.path(MODEL).asText());
  }

  static byte[] bytes(Path file, long limit) {
    if (!Files.isRegularFile(file)) {
      throw new LengthModelException(file + " is missing");
    }
    try {
      requireSize(file, Files.size(file), limit);
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new LengthModelException(file + " cannot be read: " + e, e);
    }
  }

  private static void requireSize(Path file, long size, long limit) {
    if (size == 0 || size > limit) {
      throw new LengthModelException(
          "%s has %d bytes, but must have from 1 to %d".formatted(file, size, limit));
    }
  }

  static JsonNode parse(Path file, byte[] bytes) {
    try {
      JsonNode json = JSON.readTree(bytes);
      if (!json.isObject()) {
        throw new LengthModelException(file + " must be a JSON object");
      }
      return json;
    } catch (IOException e) {
      throw new LengthModelException(file + " is not valid JSON: " + e.getMessage(), e);
    }
  }

  private static byte[] verified(Path file, long limit, JsonNode sums) {
    return verified(
        file, limit, DESCRIPTION, sums.path(String.valueOf(file.getFileName())).asText(""));
  }

  /** Reads a file whose SHA-256 another file of the folder names. */
  static byte[] verified(Path file, long limit, String namedBy, String expected) {
    byte[] bytes = bytes(file, limit);
    String actual = Hashing.sha256().hashBytes(bytes).toString();
    if (!actual.equals(expected)) {
      throw new LengthModelException(
          "%s has the SHA-256 %s, but %s says '%s'".formatted(file, actual, namedBy, expected));
    }
    return bytes;
  }

  static LengthBuckets buckets(Path file, JsonNode edges) {
    if (!edges.isArray() || edges.isEmpty() || edges.size() > MAX_BUCKETS) {
      throw new LengthModelException(
          "%s: upper_edges must be a list of 1 to %d integers".formatted(file, MAX_BUCKETS));
    }
    int[] values = new int[edges.size()];
    for (int i = 0; i < values.length; i++) {
      if (!edges.get(i).canConvertToInt() || !edges.get(i).isIntegralNumber()) {
        throw new LengthModelException(
            "%s: upper_edges[%d] is %s, not an integer".formatted(file, i, edges.get(i)));
      }
      values[i] = edges.get(i).intValue();
    }
    try {
      return LengthBuckets.of(values);
    } catch (IllegalArgumentException e) {
      throw new LengthModelException(file + ": " + e.getMessage(), e);
    }
  }

  static int integer(Path file, JsonNode json, String field, int least, int most) {
    JsonNode value = json.path(field);
    boolean fits = value.isIntegralNumber() && value.canConvertToInt();
    if (!fits || value.intValue() < least || value.intValue() > most) {
      throw new LengthModelException(
          "%s: %s must be an integer from %d to %d, but is %s"
              .formatted(file, field, least, most, value.isMissingNode() ? "missing" : value));
    }
    return value.intValue();
  }

  /**
   * The description of a model.
   *
   * @param name the model's name
   * @param buckets the lengths that the classes stand for
   * @param maxInputTokens the longest input, in tokens
   * @param maxBatch the largest number of prompts in one run; 1 for models whose answers would
   *     otherwise depend on the other prompts
   * @param lengthTokenizer SHA-256 of the tokenizer file whose tokens lengths count, in hex; may be
   *     empty
   * @param checksum SHA-256 of the ONNX file, in hex
   */
  record Description(
      String name,
      LengthBuckets buckets,
      int maxInputTokens,
      int maxBatch,
      String lengthTokenizer,
      String checksum) {}
}
