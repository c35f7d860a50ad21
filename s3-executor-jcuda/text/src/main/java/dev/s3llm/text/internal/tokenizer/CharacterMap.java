package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;

/**
 * Checks the character map of a normalizer of the kind {@code Precompiled}: a double-array trie
 * (Aoe, 1989) of 32-bit units from texts to offsets into the replacements, as SentencePiece writes
 * it. The native library follows the units unchecked, and ends the process beyond the end.
 */
final class CharacterMap {
  private static final int LAST_BYTE = 0xFF;

  private final String where;
  private final ByteBuffer units;
  private final ByteBuffer replacements;

  private CharacterMap(String where, ByteBuffer units, ByteBuffer replacements) {
    this.where = where;
    this.units = units;
    this.replacements = replacements;
  }

  /**
   * Checks a map.
   *
   * @param where the source, for messages
   * @param base64 the map
   * @throws ModelFormatException if it is not a map, or a search in it can leave it
   */
  static void check(String where, JsonNode base64) {
    ByteBuffer all = ByteBuffer.wrap(bytes(where, base64)).order(ByteOrder.LITTLE_ENDIAN);
    long size = all.remaining() < Integer.BYTES ? -1 : Integer.toUnsignedLong(all.getInt());
    if (size < Integer.BYTES || size > all.remaining()) {
      throw bad(where, "its size is " + size);
    }
    int used = (int) size / Integer.BYTES * Integer.BYTES;
    ByteBuffer units = all.slice(all.position(), used).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer replacements = all.slice(all.position() + used, all.remaining() - used);
    try {
      StandardCharsets.UTF_8.newDecoder().decode(replacements.duplicate());
    } catch (CharacterCodingException e) {
      throw bad(where, "its replacements are not UTF-8");
    }
    new CharacterMap(where, units, replacements).walk();
  }

  private static byte[] bytes(String where, JsonNode base64) {
    try {
      return Base64.getDecoder().decode(base64.asText());
    } catch (IllegalArgumentException e) {
      throw bad(where, "it is not base64");
    }
  }

  /** Visits all states that a text can lead to. */
  private void walk() {
    BitSet visited = new BitSet();
    ArrayDeque<Integer> open = new ArrayDeque<>();
    open.add(base(0));
    while (!open.isEmpty()) {
      int base = open.remove();
      require((base | LAST_BYTE) < length());
      for (int next = 1; next <= LAST_BYTE; next++) {
        int at = base ^ next;
        int unit = unit(at);
        if ((unit & (1 << 31 | LAST_BYTE)) == next && !visited.get(at)) {
          visited.set(at);
          int child = at ^ offset(unit);
          require(child < length());
          if ((unit >>> 8 & 1) == 1) {
            checkReplacement(unit(child) & Integer.MAX_VALUE);
          }
          open.add(child);
        }
      }
    }
  }

  private void checkReplacement(int start) {
    require(start <= replacements.limit());
    boolean inside = start < replacements.limit() && (replacements.get(start) & 0xC0) == 0x80;
    require(!inside);
  }

  private int base(int at) {
    return at ^ offset(unit(at));
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & 1 << 9) >>> 6);
  }

  private int unit(int at) {
    return units.getInt(at * Integer.BYTES);
  }

  private int length() {
    return units.limit() / Integer.BYTES;
  }

  private void require(boolean holds) {
    if (!holds) {
      throw bad(where, "it points beyond its end");
    }
  }

  private static ModelFormatException bad(String where, String what) {
    return new ModelFormatException(where + ": precompiled_charsmap is no character map: " + what);
  }
}
