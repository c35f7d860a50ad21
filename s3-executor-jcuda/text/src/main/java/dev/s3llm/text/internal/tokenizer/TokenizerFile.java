package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.json.JsonFile;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Checks a {@code tokenizer.json} before the native library reads it. On much of what that library
 * does not expect, it ends the whole process, in some cases only at the first text; and it loads a
 * vocabulary that contradicts itself, and then tokenises wrongly. So only content that is known to
 * be well-formed is passed on, as newly written JSON.
 */
final class TokenizerFile {
  private static final int MAX_ID = 1 << 24;

  private final String name;
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<Integer, String> pieces = new HashMap<>();

  private TokenizerFile(String name) {
    this.name = name;
  }

  /**
   * Checks the content of a file.
   *
   * @param name the source, for messages
   * @param bytes the content
   * @return the same content, in plain JSON
   * @throws ModelFormatException if the content is not well-formed
   */
  static byte[] checked(String name, byte[] bytes) {
    JsonNode json = JsonFile.parse(name, bytes);
    new TokenizerFile(name).check(json);
    dropNulls(json); // equivalent to missing fields, of which the library reads more
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  private void check(JsonNode json) {
    TokenizerParts parts = new TokenizerParts(name);
    parts.requireKnown("tokenizer", json, TokenizerParts.FRAME);
    JsonNode model = json.path("model");
    switch (parts.check("model", model, TokenizerParts.MODELS)) {
      case "Unigram" -> readScores(model);
      case "BPE" -> {
        readVocabulary(model.path("vocab"));
        checkMerges(model);
      }
      default -> readVocabulary(model.path("vocab"));
    }
    JsonNode unknown = model.path("unk_token");
    require(!unknown.isTextual() || ids.containsKey(unknown.asText()), "unk_token is no piece");
    readAddedTokens(parts, json.path("added_tokens"));
    parts.optional("normalizer", json.path("normalizer"), TokenizerParts.NORMALIZERS);
    parts.optional("pre_tokenizer", json.path("pre_tokenizer"), TokenizerParts.PRE_TOKENIZERS);
    parts.optional("post_processor", json.path("post_processor"), TokenizerParts.POST_PROCESSORS);
    parts.optional("decoder", json.path("decoder"), TokenizerParts.DECODERS);
  }

  private static void dropNulls(JsonNode node) {
    node.forEach(TokenizerFile::dropNulls);
    if (node instanceof ObjectNode object) {
      object.removeIf(JsonNode::isNull);
    }
  }

  private void readVocabulary(JsonNode vocabulary) {
    for (Map.Entry<String, JsonNode> entry : vocabulary.properties()) {
      add(entry.getKey(), entry.getValue());
    }
    require(!ids.isEmpty(), "the vocabulary is empty");
  }

  private void readScores(JsonNode model) {
    for (JsonNode entry : model.path("vocab")) {
      boolean pair = entry.isArray() && entry.size() == 2 && entry.path(0).isTextual();
      require(pair && entry.path(1).isNumber(), "a piece of the vocabulary is " + shown(entry));
      double score = entry.path(1).doubleValue();
      require(Double.isFinite(score), "a piece's score is " + shown(entry));
      String piece = entry.path(0).asText();
      require(
          ids.put(piece, ids.size()) == null, "the piece '" + shown(piece) + "' is there twice");
      require(!piece.isEmpty(), "a piece of the vocabulary is empty");
    }
    JsonNode unknown = model.path("unk_id");
    boolean inside = unknown.isInt() && unknown.intValue() >= 0 && unknown.intValue() < ids.size();
    require(inside, "unk_id is " + shown(unknown) + ", but there are " + ids.size() + " pieces");
  }

  private void add(String piece, JsonNode id) {
    requireId("the piece '" + shown(piece) + "'", id);
    String other = pieces.put(id.intValue(), piece);
    require(other == null, "'%s' and '%s' have one id".formatted(shown(piece), shown(other)));
    ids.put(piece, id.intValue());
  }

  /** Checks that each merge joins two known pieces into a longer one, so that none is circular. */
  private void checkMerges(JsonNode model) {
    String prefix = model.path("continuing_subword_prefix").asText("");
    Set<String> seen = new HashSet<>();
    for (JsonNode merge : model.path("merges")) {
      String[] pair = pair(merge);
      require(!pair[0].isEmpty() && !pair[1].isEmpty(), "a merge has an empty side");
      require(seen.add(pair[0] + "\0" + pair[1]), "a merge is there twice: " + shown(merge));
      boolean cut = !prefix.isEmpty() && pair[1].startsWith(prefix);
      String joined = pair[0] + (cut ? pair[1].substring(prefix.length()) : pair[1]);
      boolean known = ids.containsKey(pair[0]) && ids.containsKey(pair[1]);
      require(known && ids.containsKey(joined), "a merge is of no known pieces: " + shown(merge));
      require(joined.length() > pair[0].length(), "a merge does not lengthen: " + shown(merge));
    }
  }

  /** Returns the sides of a merge, which is {@code "a b"} or {@code ["a", "b"]}. */
  private String[] pair(JsonNode merge) {
    if (merge.isArray()
        && merge.size() == 2
        && merge.path(0).isTextual()
        && merge.path(1).isTextual()) {
      return new String[] {merge.path(0).asText(), merge.path(1).asText()};
    }
    String[] sides = merge.isTextual() ? merge.asText().split(" ", -1) : new String[0];
    require(sides.length == 2, "a merge is " + shown(merge) + ", not a pair");
    return sides;
  }

  private void readAddedTokens(TokenizerParts parts, JsonNode tokens) {
    Set<String> seen = new HashSet<>();
    for (JsonNode token : tokens) {
      parts.requireKnown("added_tokens", token, TokenizerParts.ADDED_TOKEN);
      String content = token.path("content").asText();
      requireId("the added token '" + shown(content) + "'", token.path("id"));
      int id = token.path("id").intValue();
      require(!content.isEmpty(), "an added token is empty");
      require(seen.add(content), "the added token '" + shown(content) + "' is there twice");
      String other = pieces.putIfAbsent(id, content);
      Integer known = ids.putIfAbsent(content, id);
      boolean same = (other == null || other.equals(content)) && (known == null || known == id);
      require(same, "the added token '" + shown(content) + "' contradicts the vocabulary");
    }
  }

  private void requireId(String what, JsonNode id) {
    boolean inside = id.isInt() && id.intValue() >= 0 && id.intValue() < MAX_ID;
    require(inside, what + " has the id " + shown(id) + ", but ids are in [0, " + MAX_ID + ")");
  }

  private void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new ModelFormatException(name + ": " + otherwise);
    }
  }

  private static String shown(Object value) {
    return TokenizerParts.shown(value);
  }
}
