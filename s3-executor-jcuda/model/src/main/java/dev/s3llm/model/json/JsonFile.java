package dev.s3llm.model.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads strict JSON: no duplicate keys, no trailing text. The size of a file is limited, so that a
 * file of another kind does not fill the heap.
 */
public final class JsonFile {
  private static final long MAX_BYTES = 16L << 20;

  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonFile() {}

  /**
   * Reads a file that holds one JSON object.
   *
   * @param file a file of at most 16 MiB
   * @throws ModelFormatException if the file is missing, too large, unreadable or not an object
   */
  public static JsonNode read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new ModelFormatException(file + " is missing");
    }
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new ModelFormatException(
            "%s has %d bytes, the limit is %d".formatted(file, size, MAX_BYTES));
      }
      GitLfs.refusePointer(file);
      return parse(file.toString(), Files.readAllBytes(file));
    } catch (IOException e) {
      throw new ModelFormatException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Parses one JSON object.
   *
   * @param name the source, for messages
   * @param json the text in UTF-8
   * @throws ModelFormatException if the text is not one JSON object
   */
  public static JsonNode parse(String name, byte[] json) {
    if (json.length == 0 || json[0] != '{') {
      throw new ModelFormatException(name + " must start with '{'");
    }
    try {
      return MAPPER.readTree(json);
    } catch (IOException e) {
      throw new ModelFormatException(name + " is not valid JSON: " + firstLine(e), e);
    }
  }

  private static String firstLine(IOException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
