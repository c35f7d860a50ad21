package dev.s3llm.model.speech;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.json.JsonFile;
import java.nio.file.Path;
import java.util.Map;

/** The texts of a speech model's token ids. Immutable. */
public final class SpeechVocabulary {
  private final String[] tokens;
  private final int firstCharacter;

  private SpeechVocabulary(String[] tokens, int firstCharacter) {
    this.tokens = tokens;
    this.firstCharacter = firstCharacter;
  }

  /**
   * Reads a vocabulary, which has a name for each token id.
   *
   * @throws ModelFormatException if an id is missing, used twice or out of range, or a character is
   *     empty
   */
  static SpeechVocabulary read(Path file, SpeechConfig config) {
    String[] tokens = new String[config.vocabularySize()];
    for (Map.Entry<String, JsonNode> entry : JsonFile.read(file).properties()) {
      int id = id(file, entry, tokens.length);
      if (tokens[id] != null) {
        throw new ModelFormatException(
            "%s: \"%s\" and \"%s\" have the same id %d; each id needs one text"
                .formatted(file, tokens[id], entry.getKey(), id));
      }
      tokens[id] = entry.getKey();
    }
    for (int id = 0; id < tokens.length; id++) {
      if (tokens[id] == null || (id >= config.firstCharacterId() && tokens[id].isEmpty())) {
        throw new ModelFormatException(
            "%s: id %d has no text, but config.json says that there are %d ids; use the two files of one model"
                .formatted(file, id, tokens.length));
      }
    }
    return new SpeechVocabulary(tokens, config.firstCharacterId());
  }

  private static int id(Path file, Map.Entry<String, JsonNode> entry, int size) {
    JsonNode id = entry.getValue();
    if (!id.isIntegralNumber() || !id.canConvertToInt() || id.asInt() < 0 || id.asInt() >= size) {
      throw new ModelFormatException(
          "%s: the id of \"%s\" is %s, but must be an integer from 0 to %d, the last id by config.json"
              .formatted(file, entry.getKey(), id, size - 1));
    }
    return id.asInt();
  }

  /** Returns the number of token ids. */
  public int size() {
    return tokens.length;
  }

  /**
   * Returns the text of one id, or the name of a special one such as {@code <mask>}.
   *
   * @param id token id, from 0 to {@code size() - 1}
   * @throws IndexOutOfBoundsException if there is no such id
   */
  public String token(int id) {
    return tokens[id];
  }

  /**
   * Returns the characters of ids as a text; special ids, such as the end, are left out.
   *
   * @param ids token ids, each from 0 to {@code size() - 1}
   * @throws IndexOutOfBoundsException if there is no such id
   */
  public String text(int... ids) {
    StringBuilder text = new StringBuilder(ids.length);
    for (int id : ids) {
      String token = tokens[id];
      if (id >= firstCharacter) {
        text.append(token);
      }
    }
    return text.toString();
  }
}
