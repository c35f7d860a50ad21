package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Checks the parts of a tokenizer around its model for what ends the process in the native library.
 * Kinds and fields that are not named here are the library's own business.
 *
 * <p>The library recognises a part by its fields where its type is missing or unknown, so these
 * checks look at fields, too, not at types.
 */
final class TokenizerParts {
  /** Deeper nesting makes the library end the process in a decoder. */
  private static final int MAX_DEPTH = 64;

  /** Normalizers that keep the kind of a character: a run of blanks remains one. */
  private static final Set<String> KEEPING =
      Set.of(
          "Sequence",
          "NFC",
          "NFD",
          "NFKC",
          "NFKD",
          "Lowercase",
          "Strip",
          "StripAccents",
          "BertNormalizer");

  /** Splitters that pass on other characters than they get. */
  private static final Set<String> CHANGING = Set.of("ByteLevel", "Metaspace");

  private final String file;
  private final List<RegexLimit> limits = new ArrayList<>();
  private boolean changed;

  TokenizerParts(String file) {
    this.file = file;
  }

  void check(JsonNode normalizer, JsonNode preTokenizer, JsonNode postProcessor, JsonNode decoder) {
    checkNormalizer("normalizer", normalizer);
    checkPreTokenizer("pre_tokenizer", preTokenizer);
    checkPostProcessor("post_processor", postProcessor);
    checkDecoder("decoder", decoder);
  }

  /** Returns the limits of the expressions that search a text. */
  List<RegexLimit> limits() {
    return List.copyOf(limits);
  }

  /**
   * Checks that texts are well-formed, numbers finite and the nesting bounded: the library ends the
   * process on others in a decoder.
   */
  static void requireReadable(String file, JsonNode node, int depth) {
    if (depth > MAX_DEPTH) {
      throw new ModelFormatException(file + ": its parts are nested too deeply");
    }
    if (node.isNumber() && !Double.isFinite(node.doubleValue())) {
      throw new ModelFormatException(file + ": the number " + node + " is too large");
    }
    if (node.isTextual()) {
      requireWellFormed(file, node.textValue());
    }
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      requireWellFormed(file, field.getKey());
    }
    for (JsonNode inner : node) {
      requireReadable(file, inner, depth + 1);
    }
  }

  private static void requireWellFormed(String file, String text) {
    if (text.codePoints()
        .anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
      throw new ModelFormatException(
          "%s: the text '%s' has half a surrogate pair".formatted(file, TokenizerFile.shown(text)));
    }
  }

  private void checkNormalizer(String where, JsonNode part) {
    if (!isPart(where, part)) {
      return;
    }
    checkRegex(where, part);
    if (part.path("type").asText().equals("Precompiled") || part.has("precompiled_charsmap")) {
      CharacterMap.check(file + ": " + where, part.path("precompiled_charsmap"));
    }
    changed |= !KEEPING.contains(part.path("type").asText());
    forEach(where, part, "normalizers", this::checkNormalizer);
  }

  private void checkPreTokenizer(String where, JsonNode part) {
    if (!isPart(where, part)) {
      return;
    }
    checkRegex(where, part);
    JsonNode length = part.path("length");
    require(
        !length.isNumber() || length.asLong() > 0, where, "length is 0, but must be at least 1");
    changed |= CHANGING.contains(part.path("type").asText());
    forEach(where, part, "pretokenizers", this::checkPreTokenizer);
  }

  private void checkRegex(String where, JsonNode part) {
    JsonNode regex = part.path("pattern").path("Regex");
    if (regex.isTextual() && !Boolean.getBoolean(RegexLimit.UNCHECKED)) {
      limits.add(RegexLimit.of(file, where, regex.textValue(), !changed));
    }
  }

  private void checkDecoder(String where, JsonNode part) {
    if (!isPart(where, part)) {
      return;
    }
    JsonNode regex = part.path("pattern").path("Regex");
    if (regex.isTextual() && !Boolean.getBoolean(RegexLimit.UNCHECKED)) {
      RegexLimit limit = RegexLimit.of(file, where, regex.textValue(), false);
      require(limit.isLinear(), where, "the expression " + regex + " can take too long");
    }
    JsonNode stop = part.path("stop");
    require(!stop.isNumber() || stop.asLong() == 0, where, "stop is " + stop + ", but must be 0");
    forEach(where, part, "decoders", this::checkDecoder);
  }

  private void checkPostProcessor(String where, JsonNode part) {
    if (!isPart(where, part)) {
      return;
    }
    JsonNode special = part.path("special_tokens");
    for (JsonNode piece : part.path("single")) {
      JsonNode token = piece.path("SpecialToken");
      boolean known = token.isObject() && special.has(token.path("id").asText());
      boolean text = piece.path("Sequence").path("id").asText().equals("A");
      boolean sound = piece.isObject() && piece.size() == 1 && (known || text);
      require(sound, where, "the template has " + TokenizerFile.shown(piece));
    }
    forEach(where, part, "processors", this::checkPostProcessor);
  }

  /**
   * Checks that a part that is present is an object: the library reads lists of its fields, too.
   */
  private boolean isPart(String where, JsonNode part) {
    if (part.isNull() || part.isMissingNode()) {
      return false;
    }
    require(part.isObject(), where, "it is " + TokenizerFile.shown(part) + ", not an object");
    return true;
  }

  private interface Check {
    void check(String where, JsonNode part);
  }

  private static void forEach(String where, JsonNode part, String field, Check check) {
    int index = 0;
    for (JsonNode inner : part.path(field)) {
      check.check("%s.%s[%d]".formatted(where, field, index++), inner);
    }
  }

  private void require(boolean holds, String where, String otherwise) {
    if (!holds) {
      throw new ModelFormatException("%s: %s: %s".formatted(file, where, otherwise));
    }
  }
}
