package dev.s3llm.text.internal.template;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * Reads the added tokens of a {@code tokenizer.json}: those that a tokenizer recognises as a whole
 * wherever a text spells them. They stand near the beginning of the file, and nothing after them is
 * read.
 */
final class AddedTokens {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String FILE = "tokenizer.json";

  private AddedTokens() {}

  /** Returns the texts of the tokens; none if there is no file, or it is not such a file. */
  static Set<String> read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      return Set.of();
    }
    try (JsonParser json = MAPPER.createParser(file.toFile())) {
      return read(json);
    } catch (IOException e) {
      return Set.of(); // the tokenizer's own loading says what is wrong with the file
    }
  }

  private static Set<String> read(JsonParser json) throws IOException {
    Set<String> texts = new HashSet<>();
    if (json.nextToken() != JsonToken.START_OBJECT) {
      return texts;
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      boolean wanted = json.currentName().equals("added_tokens");
      json.nextToken();
      if (wanted) {
        JsonNode tokens = MAPPER.readTree(json);
        tokens.forEach(token -> texts.add(token.path("content").asText()));
        return texts;
      }
      json.skipChildren();
    }
    return texts;
  }
}
