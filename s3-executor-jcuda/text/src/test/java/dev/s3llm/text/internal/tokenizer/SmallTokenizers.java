package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Small tokenizers of the kinds that models have, with any added tokens: these have the first ids.
 */
public final class SmallTokenizers {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String LETTERS =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<>|[]/_.,!?:'\n";

  private SmallTokenizers() {}

  private static ObjectNode withAdded(List<String> added) {
    ObjectNode json = MAPPER.createObjectNode().put("version", "1.0");
    ArrayNode tokens = json.putArray("added_tokens");
    for (int i = 0; i < added.size(); i++) {
      ObjectNode token = tokens.addObject().put("id", i).put("content", added.get(i));
      token.put("single_word", false).put("lstrip", false).put("rstrip", false);
      token.put("normalized", false).put("special", !added.get(i).startsWith("<tool"));
    }
    return json;
  }

  private static ObjectNode model(ObjectNode json, String type, List<String> added) {
    ObjectNode model = json.putObject("model").put("type", type);
    ObjectNode vocabulary = model.putObject("vocab");
    added.forEach(token -> vocabulary.put(token, vocabulary.size()));
    return model;
  }

  private static void addPiece(ObjectNode model, String piece) {
    ObjectNode vocabulary = (ObjectNode) model.get("vocab");
    if (!vocabulary.has(piece)) {
      vocabulary.put(piece, vocabulary.size());
    }
  }

  /** Returns one with bytes and a few pairs, split as GPT-2's, as Llama 3's and Qwen's are. */
  public static byte[] byteLevel(List<String> added) {
    ObjectNode json = withAdded(added);
    ObjectNode model = model(json, "BPE", added);
    int moved = 0;
    for (int b = 0; b < 256; b++) {
      boolean own = b >= 33 && b <= 126 || b >= 161 && b != 173;
      addPiece(model, Character.toString(own ? b : 256 + moved++));
    }
    ArrayNode merges = model.putArray("merges");
    for (String merge :
        List.of("\u0120 a", "e r", "s t", "< |", "| >", "\u0120 t", "\u00c3 \u00a9")) {
      merges.add(merge);
      addPiece(model, merge.replace(" ", ""));
    }
    for (String part : List.of("pre_tokenizer", "decoder")) {
      ObjectNode bytes = json.putObject(part).put("type", "ByteLevel");
      bytes.put("add_prefix_space", false).put("trim_offsets", true).put("use_regex", true);
    }
    return bytes(json);
  }

  /** Returns one with pieces of SentencePiece and bytes, as Llama 2's and Gemma's are. */
  public static byte[] pieces(List<String> added, boolean prefix) {
    ObjectNode json = withAdded(added);
    ObjectNode normalizer = json.putObject("normalizer").put("type", "Sequence");
    ArrayNode normalizers = normalizer.putArray("normalizers");
    if (prefix) {
      normalizers.addObject().put("type", "Prepend").put("prepend", "\u2581");
    }
    replace(normalizers, " ", "\u2581");
    ObjectNode decoder = json.putObject("decoder").put("type", "Sequence");
    ArrayNode decoders = decoder.putArray("decoders");
    replace(decoders, "\u2581", " ");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (prefix) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    ObjectNode model = model(json, "BPE", added);
    model.put("byte_fallback", true);
    for (int b = 0; b < 256; b++) {
      addPiece(model, "<0x%02X>".formatted(b));
    }
    addPiece(model, "\u2581");
    LETTERS.chars().forEach(c -> addPiece(model, Character.toString(c)));
    ArrayNode merges = model.putArray("merges");
    for (String merge : List.of("\u2581 a", "\u2581 \u2581", "e r", "< s", "<s >")) {
      merges.add(merge);
      addPiece(model, merge.replace(" ", ""));
    }
    return bytes(json);
  }

  private static void replace(ArrayNode parts, String text, String content) {
    ObjectNode replace = parts.addObject().put("type", "Replace");
    replace.putObject("pattern").put("String", text);
    replace.put("content", content);
  }

  /** Returns one with word pieces, as BERT's. */
  public static byte[] wordPieces(List<String> added) {
    ObjectNode json = withAdded(added);
    json.putObject("pre_tokenizer").put("type", "BertPreTokenizer");
    json.putObject("decoder").put("type", "WordPiece").put("prefix", "##").put("cleanup", true);
    ObjectNode model = model(json, "WordPiece", added);
    model.put("unk_token", added.get(0)).put("continuing_subword_prefix", "##");
    model.put("max_input_chars_per_word", 100);
    LETTERS.strip().chars().mapToObj(Character::toString).forEach(c -> addPiece(model, c));
    LETTERS.strip().chars().mapToObj(Character::toString).forEach(c -> addPiece(model, "##" + c));
    List.of("do", "not", "##er", "n't").forEach(piece -> addPiece(model, piece));
    return bytes(json);
  }

  /** Returns one with scores of pieces, which spell the added tokens, too, as XLM-R's. */
  public static byte[] unigram(List<String> added) {
    ObjectNode json = withAdded(added);
    json.putObject("normalizer").put("type", "NFKC");
    ObjectNode model = json.putObject("model").put("type", "Unigram").put("unk_id", 0);
    ArrayNode vocabulary = model.putArray("vocab");
    added.forEach(token -> vocabulary.addArray().add(token).add(0.0));
    (LETTERS + " ")
        .chars()
        .forEach(c -> vocabulary.addArray().add(Character.toString(c)).add(-2.0));
    return bytes(json);
  }

  private static byte[] bytes(ObjectNode json) {
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }
}
