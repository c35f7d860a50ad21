package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.s3llm.model.ModelFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Makes the content of a {@code tokenizer.json} of the metadata of a GGUF file: of the kind {@code
 * gpt2} (byte-level pairs with expressions by name), {@code llama} (pairs of SentencePiece, whose
 * merges follow from the scores of the pieces), or {@code gemma4} (pairs of characters).
 */
public final class GgufTokenizer {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final String TOKENS = PREFIX + "tokens";
  private static final String TYPES = PREFIX + "token_type";
  private static final String MERGES = PREFIX + "merges";
  private static final String PRE = PREFIX + "pre";
  private static final String START = PREFIX + "bos_token_id";
  private static final String END = PREFIX + "eos_token_id";
  private static final String BLANK = "\u2581";

  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int BYTE = 6;

  /** Control tokens that end a turn in the models that have them, whether or not a file says it. */
  private static final Set<String> ENDS =
      Set.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "<|eom_id|>",
          "<EOT>",
          "[EOT]",
          "<\uff5cend\u2581of\u2581sentence\uff5c>",
          "<end_of_utterance>");

  private final GgufMetadata metadata;
  private final List<String> tokens;
  private final double[] types;

  private GgufTokenizer(String file, Map<String, ?> values) {
    metadata = new GgufMetadata(file, values);
    tokens = metadata.texts(TOKENS);
    types = metadata.numbers(TYPES);
    if (tokens.isEmpty()) {
      throw metadata.bad(TOKENS, "is missing");
    }
    if (types.length > 0 && types.length < tokens.size()) {
      throw metadata.bad(
          TYPES, "has %d numbers for %d tokens".formatted(types.length, tokens.size()));
    }
  }

  /**
   * Makes the content of a {@code tokenizer.json}.
   *
   * @param file the source, for messages
   * @param metadata by key, as {@link dev.s3llm.model.gguf.GgufFile#metadata} returns it
   * @throws ModelFormatException if the metadata has no tokenizer, or one of a kind or with
   *     expressions that are not known
   */
  public static byte[] json(String file, Map<String, ?> metadata) {
    return new GgufTokenizer(file, metadata).json();
  }

  /**
   * Returns the ids of the tokens that end an answer, ascending: those that the metadata names, and
   * control tokens with a text that ends a turn in well-known models.
   *
   * @param file the source, for messages
   * @param metadata by key
   * @throws ModelFormatException if an id is not in the vocabulary
   */
  public static int[] endTokens(String file, Map<String, ?> metadata) {
    return new GgufTokenizer(file, metadata).ends();
  }

  private int[] ends() {
    Set<Integer> ends = new TreeSet<>();
    for (String key : List.of(END, PREFIX + "eot_token_id", PREFIX + "eom_token_id")) {
      if (metadata.has(key)) {
        ends.add(checked(key, metadata.id(key, -1)));
      }
    }
    for (double id : metadata.numbers(PREFIX + "eos_token_ids")) {
      ends.add(checked(PREFIX + "eos_token_ids", (int) id));
    }
    for (int id = 0; id < types.length && id < tokens.size(); id++) {
      if (type(id) == CONTROL && ENDS.contains(tokens.get(id)) && !isPartEnd(tokens.get(id))) {
        ends.add(id);
      }
    }
    return ends.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Returns whether a token ends only a part of an answer, as in models with several channels. */
  private boolean isPartEnd(String token) {
    return token.equals("<|end|>") && tokens.contains("<|return|>") && tokens.contains("<|call|>");
  }

  private int checked(String key, int id) {
    if (id < 0 || id >= tokens.size()) {
      throw metadata.bad(key, "is %d, but the file has %d tokens".formatted(id, tokens.size()));
    }
    return id;
  }

  private int type(int id) {
    return types.length == 0 ? NORMAL : (int) types[id];
  }

  private byte[] json() {
    String kind = metadata.text(PREFIX + "model", "");
    ByteArrayOutputStream out = new ByteArrayOutputStream(1 << 20);
    try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("version", "1.0");
      writeAddedTokens(json);
      switch (kind) {
        case "gpt2" -> writeByteLevel(json);
        case "llama" -> writePieces(json, metadata.flag(PREFIX + "add_space_prefix", true), true);
        case "gemma4" -> writePieces(json, false, false);
        default ->
            throw metadata.bad(
                PREFIX + "model",
                "is '"
                    + kind
                    + "', but only gpt2, llama and gemma4 can be read; use the"
                    + " model's folder with its tokenizer.json instead");
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // nothing is written outside memory
    }
    return out.toByteArray();
  }

  private void writeAddedTokens(JsonGenerator json) throws IOException {
    json.writeArrayFieldStart("added_tokens");
    for (int id = 0; id < tokens.size(); id++) {
      boolean special = type(id) == CONTROL || type(id) == UNKNOWN;
      if ((special || type(id) == USER_DEFINED) && !tokens.get(id).isEmpty()) {
        json.writeStartObject();
        json.writeNumberField("id", id);
        json.writeStringField("content", tokens.get(id));
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
          json.writeBooleanField(flag, false);
        }
        json.writeBooleanField("special", special);
        json.writeEndObject();
      }
    }
    json.writeEndArray();
  }

  private void writeByteLevel(JsonGenerator json) throws IOException {
    String name = metadata.text(PRE, "default");
    GgufExpressions pre = GgufExpressions.of(name);
    if (pre == null) {
      throw metadata.bad(
          PRE,
          "is '%s', which is not known; use the model's folder with its tokenizer.json instead. Known are %s"
              .formatted(name, String.join(", ", GgufExpressions.names())));
    }
    if (pre.composes()) {
      writeKind(json, "normalizer", "NFC");
    }
    json.writeObjectFieldStart("pre_tokenizer");
    json.writeStringField("type", "Sequence");
    json.writeArrayFieldStart("pretokenizers");
    for (String expression : pre.expressions()) {
      writeSplit(json, expression);
    }
    json.writeStartObject();
    writeByteLevelFields(json);
    json.writeEndArray();
    json.writeEndObject();
    writeFrame(json, pre.addsStart());
    json.writeObjectFieldStart("decoder");
    writeByteLevelFields(json);
    writeModel(json, null, pre.ignoreMerges(), false, givenMerges());
  }

  private static void writeSplit(JsonGenerator json, String expression) throws IOException {
    json.writeStartObject();
    json.writeStringField("type", "Split");
    json.writeObjectFieldStart("pattern");
    json.writeStringField("Regex", expression);
    json.writeEndObject();
    json.writeStringField("behavior", "Isolated");
    json.writeBooleanField("invert", false);
    json.writeEndObject();
  }

  private static void writeByteLevelFields(JsonGenerator json) throws IOException {
    json.writeStringField("type", "ByteLevel");
    json.writeBooleanField("add_prefix_space", false);
    json.writeBooleanField("trim_offsets", true);
    json.writeBooleanField("use_regex", false);
    json.writeEndObject();
  }

  private void writePieces(JsonGenerator json, boolean prefix, boolean scored) throws IOException {
    json.writeObjectFieldStart("normalizer");
    json.writeStringField("type", "Sequence");
    json.writeArrayFieldStart("normalizers");
    if (prefix) {
      json.writeStartObject();
      json.writeStringField("type", "Prepend");
      json.writeStringField("prepend", BLANK);
      json.writeEndObject();
    }
    writeReplace(json, " ", BLANK);
    json.writeEndArray();
    json.writeEndObject();
    writeFrame(json, true);
    json.writeObjectFieldStart("decoder");
    json.writeStringField("type", "Sequence");
    json.writeArrayFieldStart("decoders");
    writeReplace(json, BLANK, " ");
    writeKind(json, null, "ByteFallback");
    writeKind(json, null, "Fuse");
    if (prefix) {
      json.writeStartObject();
      json.writeStringField("type", "Strip");
      json.writeStringField("content", " ");
      json.writeNumberField("start", 1);
      json.writeNumberField("stop", 0);
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
    boolean bytes = tokens.contains("<0x00>");
    writeModel(json, unknown(), false, bytes, scored ? mergesOfScores() : givenMerges());
  }

  private @Nullable String unknown() {
    int id = metadata.id(PREFIX + "unknown_token_id", 0);
    return id < tokens.size() && type(id) != BYTE ? tokens.get(id) : null;
  }

  private static void writeReplace(JsonGenerator json, String text, String content)
      throws IOException {
    json.writeStartObject();
    json.writeStringField("type", "Replace");
    json.writeObjectFieldStart("pattern");
    json.writeStringField("String", text);
    json.writeEndObject();
    json.writeStringField("content", content);
    json.writeEndObject();
  }

  private static void writeKind(JsonGenerator json, @Nullable String field, String kind)
      throws IOException {
    if (field != null) {
      json.writeFieldName(field);
    }
    json.writeStartObject();
    json.writeStringField("type", kind);
    json.writeEndObject();
  }

  /** Writes the tokens that are added in front of a text and behind it. */
  private void writeFrame(JsonGenerator json, boolean startByDefault) throws IOException {
    boolean start = metadata.flag(PREFIX + "add_bos_token", startByDefault);
    boolean end = metadata.flag(PREFIX + "add_eos_token", false);
    boolean pieces = !metadata.text(PREFIX + "model", "").equals("gpt2");
    Map<String, Integer> frame = new HashMap<>();
    json.writeObjectFieldStart("post_processor");
    json.writeStringField("type", "TemplateProcessing");
    json.writeArrayFieldStart("single");
    if (start && (pieces || metadata.has(START))) {
      int id = checked(START, metadata.id(START, 1));
      frame.put(tokens.get(id), id);
      writePiece(json, "SpecialToken", tokens.get(id));
    }
    writePiece(json, "Sequence", "A");
    if (end && (pieces || metadata.has(END))) {
      int id = checked(END, metadata.id(END, 2));
      frame.put(tokens.get(id), id);
      writePiece(json, "SpecialToken", tokens.get(id));
    }
    json.writeEndArray();
    json.writeArrayFieldStart("pair");
    json.writeEndArray();
    json.writeObjectFieldStart("special_tokens");
    for (Map.Entry<String, Integer> token : frame.entrySet()) {
      json.writeObjectFieldStart(token.getKey());
      json.writeStringField("id", token.getKey());
      json.writeArrayFieldStart("ids");
      json.writeNumber(token.getValue());
      json.writeEndArray();
      json.writeArrayFieldStart("tokens");
      json.writeString(token.getKey());
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void writePiece(JsonGenerator json, String kind, String id) throws IOException {
    json.writeStartObject();
    json.writeObjectFieldStart(kind);
    json.writeStringField("id", id);
    json.writeNumberField("type_id", 0);
    json.writeEndObject();
    json.writeEndObject();
  }

  private void writeModel(
      JsonGenerator json,
      @Nullable String unknown,
      boolean ignoreMerges,
      boolean bytes,
      List<String[]> merges)
      throws IOException {
    json.writeObjectFieldStart("model");
    json.writeStringField("type", "BPE");
    json.writeStringField("unk_token", unknown);
    json.writeBooleanField("fuse_unk", unknown != null);
    json.writeBooleanField("byte_fallback", bytes);
    json.writeBooleanField("ignore_merges", ignoreMerges);
    json.writeObjectFieldStart("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      String token = tokens.get(id);
      json.writeNumberField(token.isEmpty() ? "[EMPTY_" + id + "]" : token, id);
    }
    json.writeEndObject();
    json.writeArrayFieldStart("merges");
    for (String[] merge : merges) {
      json.writeArray(merge, 0, 2);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  /** Returns the merges of the file; the blank that divides a merge is not its first character. */
  private List<String[]> givenMerges() {
    List<String[]> merges = new ArrayList<>();
    for (String merge : metadata.texts(MERGES)) {
      int blank = merge.indexOf(' ', 1);
      if (blank < 0) {
        throw metadata.bad(MERGES, "has '" + merge + "', which is no pair");
      }
      merges.add(new String[] {merge.substring(0, blank), merge.substring(blank + 1)});
    }
    if (merges.isEmpty()) {
      throw metadata.bad(MERGES, "is missing");
    }
    return merges;
  }

  private List<String[]> mergesOfScores() {
    double[] scores = metadata.numbers(PREFIX + "scores");
    if (scores.length < tokens.size()) {
      throw metadata.bad(
          PREFIX + "scores",
          "has %d numbers for %d tokens".formatted(scores.length, tokens.size()));
    }
    ScoredMerges merges = new ScoredMerges();
    for (int id = 0; id < tokens.size(); id++) {
      merges.addPiece(tokens.get(id), id);
    }
    for (int id = 0; id < tokens.size(); id++) {
      if (type(id) == NORMAL || type(id) == USER_DEFINED) {
        merges.addMergesOf(Objects.requireNonNull(tokens.get(id)), scores[id]);
      }
    }
    return merges.sorted();
  }
}
