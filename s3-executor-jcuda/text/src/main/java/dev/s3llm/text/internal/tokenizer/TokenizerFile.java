package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import dev.s3llm.model.ModelFormatException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Checks a {@code tokenizer.json} before the native library reads it, in one pass. On a few things
 * that library ends the whole process, in some cases only at the first text; and it loads a
 * vocabulary that contradicts itself, and then tokenises wrongly. Everything else is left to the
 * library: parts and fields that are not known here are passed on.
 */
final class TokenizerFile {
  private static final int MAX_SHOWN = 60;
  private static final int BYTES = 256;

  private final String name;
  private final JsonBytes json;
  private final Vocabulary vocabulary;
  private final Map<String, JsonNode> parts = new HashMap<>();
  private final Map<String, JsonNode> model = new HashMap<>();
  private boolean hasModel;
  private int merges = -1;

  private TokenizerFile(String name, byte[] content) {
    this.name = name;
    this.json = new JsonBytes(name, content);
    this.vocabulary = new Vocabulary(name, json);
  }

  /**
   * What is known of a tokenizer that was checked.
   *
   * @param addedTokens in the order of the file, with the ids that the library gives them
   * @param limits of the expressions that search a text
   * @param unknownToken the piece that stands for unknown text; empty if there is none
   * @param hidden texts of the tokens that decoding leaves out, by id
   * @param visible the other ids
   * @param bytes the ids that stand for a byte when they are decoded
   * @param texts the bytes that tokens add to a text
   */
  record Checked(
      List<AddedToken> addedTokens,
      List<RegexLimit> limits,
      String unknownToken,
      Map<Integer, String> hidden,
      BitSet visible,
      BitSet bytes,
      TokenBytes texts) {}

  /**
   * Checks the content of a file.
   *
   * @param name the source, for messages
   * @param content the content
   * @throws ModelFormatException if the library would end the process, or tokenise wrongly
   */
  static Checked check(String name, byte[] content) {
    TokenizerFile file = new TokenizerFile(name, content);
    file.read();
    file.checkModel(content);
    return file.checked();
  }

  private Checked checked() {
    TokenizerParts checks = new TokenizerParts(name);
    JsonNode normalizer = part("normalizer");
    checks.check(normalizer, part("pre_tokenizer"), part("post_processor"), part("decoder"));
    List<AddedToken> added = AddedTokens.read(name, part("added_tokens"), normalizer, vocabulary);
    Map<Integer, String> hidden =
        added.stream()
            .filter(AddedToken::special)
            .collect(Collectors.toUnmodifiableMap(AddedToken::id, AddedToken::content));
    BitSet visible = vocabulary.present();
    added.forEach(token -> visible.set(token.id(), !token.special()));
    BitSet bytes = bytes(visible);
    TokenBytes texts = TokenBytes.of(part("decoder"), visible, bytes, id -> text(id, added));
    return new Checked(added, checks.limits(), unknownToken(), hidden, visible, bytes, texts);
  }

  /** Returns the text of a token; empty for the one that stands for unknown text. */
  private String text(int id, List<AddedToken> added) {
    String piece = vocabulary.piece(id);
    if (piece.isEmpty()) {
      piece =
          added.stream()
              .filter(token -> token.id() == id)
              .map(AddedToken::content)
              .findFirst()
              .orElse("");
    }
    return piece.equals(unknownToken()) ? "" : piece;
  }

  private String unknownToken() {
    JsonNode unknown = field("unk_token");
    return unknown.isTextual() ? unknown.asText() : vocabulary.piece(field("unk_id").asInt(-1));
  }

  /** Returns the pieces that the decoder {@code ByteFallback} takes for bytes. */
  private BitSet bytes(BitSet visible) {
    BitSet bytes = new BitSet();
    if (part("decoder").toString().contains("\"ByteFallback\"")) {
      for (String form : List.of("<0x%02X>", "<0x%02x>")) {
        IntStream.range(0, BYTES)
            .map(value -> vocabulary.id(form.formatted(value)))
            .filter(id -> id >= 0)
            .forEach(bytes::set);
      }
    }
    bytes.and(visible);
    return bytes;
  }

  private JsonNode part(String field) {
    return parts.getOrDefault(field, NullNode.getInstance());
  }

  private JsonNode field(String field) {
    return model.getOrDefault(field, NullNode.getInstance());
  }

  private void read() {
    json.expect('{');
    for (boolean first = true; json.next(first, '}'); first = false) {
      String field = json.fieldName();
      if (field.equals("model")) {
        require(!hasModel, "the field 'model' is there twice");
        hasModel = true;
        readModel();
      } else {
        require(parts.put(field, tree()) == null, "the field '" + field + "' is there twice");
      }
    }
    require(json.peek() == 0, "there is text behind the end");
    require(hasModel, "model is missing");
  }

  /** Reads a small part, and checks that the library can read its texts and numbers. */
  private JsonNode tree() {
    JsonNode tree = json.tree();
    TokenizerParts.requireReadable(name, tree, 0);
    return tree;
  }

  private void readModel() {
    json.expect('{');
    for (boolean first = true; json.next(first, '}'); first = false) {
      String field = json.fieldName();
      if (field.equals("vocab")) {
        require(vocabulary.size() == 0, "the field 'vocab' is there twice");
        readVocabulary();
      } else if (field.equals("merges")) {
        merges = json.position();
        json.skip(); // the library checks that they are of known pieces
      } else {
        require(model.put(field, tree()) == null, "the field '" + field + "' is there twice");
      }
    }
  }

  private void readVocabulary() {
    if (json.peek() == '{') {
      vocabulary.readIds();
    } else {
      vocabulary.readScores();
    }
  }

  private void checkModel(byte[] content) {
    JsonNode dropout = field("dropout");
    require(
        dropout.isNull() || dropout.asDouble() == 0,
        "model: dropout is %s, which makes tokens random; set it to null".formatted(dropout));
    JsonNode prefix = field("continuing_subword_prefix");
    if (prefix.isTextual() && !prefix.asText().isEmpty() && merges >= 0) {
      checkMerges(prefix.asText(), new JsonBytes(name, content).at(merges).tree());
    }
  }

  /**
   * Checks the merges of a model with a prefix: the library cuts the length of the prefix off each
   * right side, and ends the process where that cannot be done.
   */
  private void checkMerges(String prefix, JsonNode merges) {
    for (JsonNode merge : merges) {
      String both = merge.asText();
      String right =
          merge.isArray() ? merge.path(1).asText() : both.substring(both.indexOf(' ') + 1);
      require(
          right.startsWith(prefix),
          "the right side of the merge %s does not start with the prefix '%s'"
              .formatted(shown(merge), prefix));
    }
  }

  private void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new ModelFormatException(name + ": " + otherwise);
    }
  }

  static String shown(Object value) {
    String text = String.valueOf(value);
    return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "...";
  }
}
