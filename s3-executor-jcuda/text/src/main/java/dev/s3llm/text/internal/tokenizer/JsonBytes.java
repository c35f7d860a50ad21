package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Walks over JSON in UTF-8 without making a string of each text: the vocabularies of some
 * tokenizers have hundreds of thousands of pieces, which are only compared. Small values become
 * trees. Not thread-safe.
 */
final class JsonBytes {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final long OFFSET = 0xcbf29ce484222325L;
  private static final long PRIME = 0x100000001b3L;

  private final String name;
  private final byte[] json;
  private int at;

  /**
   * Creates a walk from the start.
   *
   * @param name the source, for messages
   * @param json the content
   */
  JsonBytes(String name, byte[] json) {
    this.name = name;
    this.json = json;
  }

  /** Moves to an index. */
  JsonBytes at(int index) {
    at = index;
    return this;
  }

  /** Returns the index of the next byte that is not blank. */
  int position() {
    while (at < json.length && isBlank(json[at])) {
      at++;
    }
    return at;
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\n' || b == '\r' || b == '\t';
  }

  /** Returns the next byte that is not blank, without moving on; 0 at the end. */
  byte peek() {
    return position() < json.length ? json[at] : 0;
  }

  /** Moves over an expected byte. */
  void expect(char expected) {
    if (peek() != expected) {
      throw bad("'" + expected + "' is expected");
    }
    at++;
  }

  /**
   * Moves to the next entry of a list or an object.
   *
   * @param first whether none was read
   * @param end the byte at the end
   * @return whether there is one; if not, the end was passed
   */
  boolean next(boolean first, char end) {
    if (peek() == end && first) {
      at++;
      return false;
    }
    if (first) {
      return true;
    }
    boolean more = peek() == ',';
    expect(more ? ',' : end);
    return more;
  }

  /** Reads the name of a field and the colon behind it. */
  String fieldName() {
    String field = textAt(position());
    hash();
    expect(':');
    return field;
  }

  /** Moves over a text and returns a hash of its characters (FNV-1a of the UTF-8). */
  long hash() {
    expect('"');
    long hash = OFFSET;
    while (at < json.length && json[at] != '"') {
      byte b = json[at];
      if (b == '\\') {
        hash = escape(hash);
      } else if (b >= 0) {
        hash = (hash ^ (b & 0xFF)) * PRIME;
        at++;
      } else {
        hash = sequence(hash);
      }
    }
    expect('"');
    return hash;
  }

  /** Returns the hash that a text has in JSON. */
  static long hash(String text) {
    long hash = OFFSET;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * PRIME;
    }
    return hash;
  }

  private long escape(long before) {
    int end = at;
    do { // neighbours, since two of them may make one character
      end += end + 1 < json.length && json[end + 1] == 'u' ? 6 : 2;
    } while (end < json.length && json[end] == '\\');
    long hash = before;
    for (byte b : decoded(at, Math.min(end, json.length)).getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * PRIME;
    }
    at = end;
    return hash;
  }

  private String decoded(int start, int end) {
    String quoted = '"' + new String(json, start, end - start, StandardCharsets.UTF_8) + '"';
    try {
      String text = MAPPER.readValue(quoted, String.class);
      if (!StandardCharsets.UTF_16.newEncoder().canEncode(text)) {
        throw bad("a text has half a surrogate pair");
      }
      return text;
    } catch (IOException e) {
      throw bad("an escape is not known");
    }
  }

  /**
   * Hashes one character of several bytes: others would be replaced when the content is decoded.
   */
  private long sequence(long before) {
    int lead = json[at] & 0xFF;
    int length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    boolean valid = lead >= 0xC2 && lead <= 0xF4 && at + length <= json.length;
    if (valid) {
      int second = json[at + 1] & 0xFF;
      valid = second >= least(lead) && second <= most(lead);
    }
    long hash = before;
    for (int i = 0; valid && i < length; i++) {
      valid = i == 0 || (json[at + i] & 0xC0) == 0x80;
      hash = (hash ^ (json[at + i] & 0xFF)) * PRIME;
    }
    if (!valid) {
      throw bad("a text is not UTF-8");
    }
    at += length;
    return hash;
  }

  private static int least(int lead) {
    return lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  }

  private static int most(int lead) {
    return lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  }

  /** Returns the text that begins at an index. */
  String textAt(int start) {
    int end = start + 1;
    while (end < json.length && json[end] != '"') {
      end += json[end] == '\\' ? 2 : 1;
    }
    return end < json.length && json[start] == '"' ? decoded(start + 1, end) : "";
  }

  /** Moves over a number and returns it; -1 if it is no whole number of at most 18 digits. */
  long wholeNumber() {
    int start = position();
    long value = 0;
    while (at < json.length && json[at] >= '0' && json[at] <= '9' && at - start < 18) {
      value = 10 * value + json[at++] - '0';
    }
    boolean whole = at > start && (at == json.length || ",}] \n\r\t".indexOf(json[at]) >= 0);
    at = start;
    skip();
    return whole ? value : -1;
  }

  /** Returns the bytes from an index to here, for messages. */
  String from(int start) {
    return new String(json, start, Math.min(at, json.length) - start, StandardCharsets.UTF_8);
  }

  /** Moves over a value and returns it. */
  JsonNode tree() {
    int start = position();
    skip();
    try {
      return MAPPER.readTree(json, start, at - start);
    } catch (IOException e) {
      throw bad(String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
    }
  }

  /** Moves over a value, which is not checked beyond its brackets and texts. */
  void skip() {
    int open = 0;
    position();
    do {
      if (at >= json.length) {
        throw bad("it ends in a value");
      }
      switch (json[at]) {
        case '"' -> skipText();
        case '[', '{' -> {
          open++;
          at++;
        }
        case ']', '}' -> {
          open--;
          at++;
        }
        default -> at++;
      }
    } while (open > 0 || (at < json.length && ",]} \n\r\t".indexOf(json[at]) < 0));
    if (open < 0) {
      throw bad("a value is missing");
    }
  }

  private void skipText() {
    at++;
    while (at < json.length && json[at] != '"') {
      at += json[at] == '\\' ? 2 : 1;
    }
    at++;
  }

  ModelFormatException bad(String what) {
    return new ModelFormatException(
        "%s is not valid JSON at byte %d: %s".formatted(name, at, what));
  }
}
