package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.base.Splitter;
import dev.s3llm.model.ModelFormatException;
import java.util.Map;
import java.util.Set;

/**
 * The parts that a tokenizer may have and their fields, as Hugging Face's format has them. A field
 * is written {@code name:kind}, with a {@code ?} where it may be null or missing; kinds are the
 * cases of {@link #fits}.
 */
final class TokenizerParts {
  static final String FRAME =
      "version:text? truncation:object? padding:object? added_tokens:list? normalizer:object?"
          + " pre_tokenizer:object? post_processor:object? decoder:object? model:object";
  static final String ADDED_TOKEN =
      "id:count content:text single_word:flag lstrip:flag rstrip:flag normalized:flag special:flag";

  private static final String BYTE_LEVEL =
      "add_prefix_space:flag trim_offsets:flag use_regex:flag?";
  private static final String METASPACE =
      "replacement:char str_rep:char? add_prefix_space:flag? prepend_scheme:text? split:flag?";
  private static final String REPLACE = "pattern:pattern content:text";

  static final Map<String, String> MODELS =
      Map.of(
          "BPE",
          "dropout:none? unk_token:text? continuing_subword_prefix:text? end_of_word_suffix:text?"
              + " fuse_unk:flag? byte_fallback:flag? ignore_merges:flag? vocab:object merges:list",
          "WordPiece",
          "unk_token:text continuing_subword_prefix:text max_input_chars_per_word:count vocab:object",
          "WordLevel",
          "unk_token:text vocab:object",
          "Unigram",
          "unk_id:count byte_fallback:flag? vocab:list");

  static final Map<String, String> NORMALIZERS =
      Map.ofEntries(
          Map.entry(
              "BertNormalizer",
              "clean_text:flag handle_chinese_chars:flag strip_accents:flag? lowercase:flag"),
          Map.entry("Strip", "strip_left:flag strip_right:flag"),
          Map.entry("StripAccents", ""),
          Map.entry("NFC", ""),
          Map.entry("NFD", ""),
          Map.entry("NFKC", ""),
          Map.entry("NFKD", ""),
          Map.entry("Lowercase", ""),
          Map.entry("Nmt", ""),
          Map.entry("ByteLevel", ""),
          Map.entry("Prepend", "prepend:text"),
          Map.entry("Replace", REPLACE),
          Map.entry("Sequence", "normalizers:parts"));

  static final Map<String, String> PRE_TOKENIZERS =
      Map.ofEntries(
          Map.entry("BertPreTokenizer", ""),
          Map.entry("ByteLevel", BYTE_LEVEL),
          Map.entry("CharDelimiterSplit", "delimiter:char"),
          Map.entry("Metaspace", METASPACE),
          Map.entry("Whitespace", ""),
          Map.entry("WhitespaceSplit", ""),
          Map.entry("Punctuation", "behavior:text?"),
          Map.entry("Digits", "individual_digits:flag"),
          Map.entry("UnicodeScripts", ""),
          Map.entry("Split", "pattern:pattern behavior:text invert:flag"),
          Map.entry("Sequence", "pretokenizers:parts"));

  static final Map<String, String> POST_PROCESSORS =
      Map.of(
          "ByteLevel",
          BYTE_LEVEL,
          "BertProcessing",
          "sep:named cls:named",
          "RobertaProcessing",
          "sep:named cls:named trim_offsets:flag add_prefix_space:flag",
          "TemplateProcessing",
          "single:list pair:list special_tokens:object",
          "Sequence",
          "processors:parts");

  static final Map<String, String> DECODERS =
      Map.of(
          "ByteLevel",
          BYTE_LEVEL,
          "BPEDecoder",
          "suffix:text",
          "WordPiece",
          "prefix:text cleanup:flag",
          "Metaspace",
          METASPACE,
          "ByteFallback",
          "",
          "Fuse",
          "",
          "Strip",
          "content:char start:few stop:zero",
          "Replace",
          "pattern:plain content:text",
          "Sequence",
          "decoders:parts");

  private static final Splitter FIELDS = Splitter.on(' ').omitEmptyStrings();
  private static final int MAX_TEXT = 256;
  private static final int MAX_SHOWN = 60;
  private static final int FEW = 16;

  private final String file;

  TokenizerParts(String file) {
    this.file = file;
  }

  /** Checks a part that may be missing, and the parts in it. */
  void optional(String where, JsonNode part, Map<String, String> kinds) {
    if (!part.isNull() && !part.isMissingNode()) {
      check(where, part, kinds);
    }
  }

  /** Checks a part and the parts in it, and returns its type. */
  String check(String where, JsonNode part, Map<String, String> kinds) {
    String type = part.path("type").asText("");
    String fields = kinds.get(type);
    if (fields == null) {
      throw bad(where + " is of the type '" + shown(type) + "', which is not supported");
    }
    requireKnown(where, part, "type:text " + fields);
    for (JsonNode inner : part.path(listOf(fields))) {
      check(where, inner, kinds);
    }
    if (type.equals("TemplateProcessing")) {
      checkTemplate(where, part);
    }
    return type;
  }

  private static String listOf(String fields) {
    return fields.endsWith(":parts") ? fields.substring(0, fields.length() - 6) : "";
  }

  /** Checks that an object has these fields, of these kinds, and no others. */
  void requireKnown(String where, JsonNode object, String fields) {
    if (!object.isObject()) {
      throw bad(where + " is " + shown(object) + ", not an object");
    }
    int present = 0;
    for (String field : FIELDS.split(fields)) {
      String fieldName = field.substring(0, field.indexOf(':'));
      String kind = field.substring(field.indexOf(':') + 1);
      JsonNode value = object.path(fieldName);
      boolean absent = value.isMissingNode() || value.isNull();
      boolean optional = kind.endsWith("?");
      String plain = optional ? kind.substring(0, kind.length() - 1) : kind;
      if (!(absent ? optional : fits(plain, value))) {
        throw bad("%s: %s is %s, but must be %s".formatted(where, fieldName, shown(value), plain));
      }
      present += object.has(fieldName) ? 1 : 0;
    }
    if (present < object.size()) {
      throw bad(where + " has fields that are not known: " + shown(object));
    }
  }

  private boolean fits(String kind, JsonNode value) {
    return switch (kind) {
      case "flag" -> value.isBoolean();
      case "text" -> value.isTextual() && value.asText().length() <= MAX_TEXT;
      case "char" -> value.isTextual() && value.asText().codePoints().count() == 1;
      case "count" -> value.isInt() && value.intValue() >= 0;
      case "zero" -> value.isInt() && value.intValue() == 0;
      case "few" -> value.isInt() && value.intValue() >= 0 && value.intValue() <= FEW;
      case "object" -> value.isObject();
      case "list" -> value.isArray();
      case "parts" -> value.isArray() && value.size() <= FEW;
      case "named" ->
          value.size() == 2 && fits("text", value.path(0)) && fits("count", value.path(1));
      case "plain" -> value.size() == 1 && isPlain(value.path("String"));
      case "pattern" -> fits("plain", value) || (value.size() == 1 && isRegex(value.path("Regex")));
      default -> false; // `none`: only null is valid
    };
  }

  private static boolean isPlain(JsonNode text) {
    return text.isTextual() && !text.asText().isEmpty() && text.asText().length() <= MAX_TEXT;
  }

  private static boolean isRegex(JsonNode regex) {
    return regex.isTextual() && TokenizerRegex.isSafe(regex.asText());
  }

  /** Checks that a template's names exist; for others the native library ends the process. */
  private void checkTemplate(String where, JsonNode template) {
    JsonNode special = template.path("special_tokens");
    for (Map.Entry<String, JsonNode> entry : special.properties()) {
      requireKnown(where, entry.getValue(), "id:text ids:list tokens:list");
      JsonNode ids = entry.getValue().path("ids");
      boolean sound = ids.size() == entry.getValue().path("tokens").size() && ids.size() <= FEW;
      for (JsonNode id : ids) {
        sound &= fits("count", id);
      }
      for (JsonNode token : entry.getValue().path("tokens")) {
        sound &= fits("text", token);
      }
      if (!sound || !entry.getValue().path("id").asText().equals(entry.getKey())) {
        throw bad(where + ": a special token is " + shown(entry.getValue()));
      }
    }
    checkPieces(where, template.path("single"), special, Set.of("A"));
    checkPieces(where, template.path("pair"), special, Set.of("A", "B"));
  }

  private void checkPieces(String where, JsonNode pieces, JsonNode special, Set<String> sequences) {
    for (JsonNode piece : pieces) {
      JsonNode token = piece.path("SpecialToken");
      JsonNode sequence = piece.path("Sequence");
      JsonNode inner = token.isObject() ? token : sequence;
      requireKnown(where, inner, "id:text type_id:few");
      String id = inner.path("id").asText();
      if (piece.size() != 1 || !(token.isObject() ? special.has(id) : sequences.contains(id))) {
        throw bad(where + ": the template has " + shown(piece));
      }
    }
    if (pieces.size() > FEW) {
      throw bad(where + ": the template has " + pieces.size() + " pieces");
    }
  }

  private ModelFormatException bad(String what) {
    return new ModelFormatException(file + ": " + what);
  }

  static String shown(Object value) {
    String text = String.valueOf(value);
    return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "...";
  }
}
