package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the added tokens of a tokenizer. */
final class AddedTokens {
  private static final Logger log = LoggerFactory.getLogger(AddedTokens.class);

  private final String file;
  private final Vocabulary vocabulary;
  private int largestAdded = -1;

  private AddedTokens(String file, Vocabulary vocabulary) {
    this.file = file;
    this.vocabulary = vocabulary;
  }

  /**
   * Reads added tokens.
   *
   * @param file the source, for messages
   * @param tokens the list
   * @param normalizer the normalizer of the tokenizer
   * @param vocabulary the pieces
   * @throws ModelFormatException if the tokens contradict the vocabulary
   */
  static List<AddedToken> read(
      String file, JsonNode tokens, JsonNode normalizer, Vocabulary vocabulary) {
    AddedTokens reader = new AddedTokens(file, vocabulary);
    List<AddedToken> all = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (JsonNode token : tokens) {
      AddedToken added = reader.read(token);
      String content = added.content();
      reader.require(!content.isEmpty(), "an added token is empty");
      reader.require(seen.add(content), "the added token '" + content + "' is there twice");
      reader.require(
          !added.normalized() || !emptied(content, normalizer).isEmpty(),
          "the normalizer leaves nothing of the added token '" + content + "'");
      all.add(added);
    }
    return List.copyOf(all);
  }

  /**
   * Returns a token with the id that the library gives it: that of the vocabulary, or the next one
   * behind it, whatever the file states.
   */
  private AddedToken read(JsonNode token) {
    String content = token.path("content").asText();
    int known = vocabulary.id(content);
    int id = known >= 0 ? known : Math.max(vocabulary.size(), largestAdded + 1);
    int stated = token.path("id").asInt(-1);
    String other = vocabulary.piece(stated);
    require(
        id == stated || (known < 0 && other.isEmpty()),
        "the added token '%s' has the id %d, which contradicts the vocabulary"
            .formatted(content, stated));
    if (id != stated) {
      log.warn(
          "{}: the added token '{}' has the id {}, but the tokenizer library gives it the id {}",
          file,
          content,
          stated,
          id);
    }
    largestAdded = Math.max(largestAdded, id);
    return new AddedToken(
        content,
        id,
        token.path("special").asBoolean(),
        token.path("normalized").asBoolean(),
        token.path("single_word").asBoolean());
  }

  /**
   * Returns what a normalizer leaves of a text, if it may be nothing. The library finds an empty
   * token everywhere, and ends the process.
   */
  private static String emptied(String text, JsonNode normalizer) {
    String left = text;
    for (JsonNode inner : normalizer.path("normalizers")) {
      left = emptied(left, inner);
    }
    JsonNode pattern = normalizer.path("pattern");
    String content = normalizer.path("content").asText();
    if (pattern.has("String")) {
      left = left.replace(pattern.path("String").asText(), content);
    } else if (pattern.has("Regex") && content.isEmpty()) {
      left = withoutMatches(left, pattern.path("Regex").asText());
    } else if (normalizer.path("type").asText().equals("Strip") || normalizer.has("strip_left")) {
      left = left.strip();
    } else if (!normalizer.isNull() && !normalizer.has("normalizers")) {
      left = left.replaceAll("[^\\p{L}\\p{N}\\p{P}\\p{S}\\p{Z}]", "");
    }
    return left;
  }

  private static String withoutMatches(String text, String regex) {
    try {
      return Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS).matcher(text).replaceAll("");
    } catch (PatternSyntaxException e) {
      return ""; // cannot be known
    }
  }

  private void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new ModelFormatException(file + ": " + otherwise);
    }
  }
}
