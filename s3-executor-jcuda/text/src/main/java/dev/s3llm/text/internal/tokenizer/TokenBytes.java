package dev.s3llm.text.internal.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;

/**
 * The bytes that each token adds to a decoded text. Known for decoders that treat each token by
 * itself: bytes written as characters, and pieces of SentencePiece with bytes in angle brackets.
 * Immutable.
 */
final class TokenBytes {
  private static final int BYTES = 256;
  private static final int[] BYTE_OF = byteOf();

  /** The bytes of all tokens, one after the other; empty if the decoder is not known. */
  private final byte[] all;

  private final int[] starts;

  private TokenBytes(byte[] all, int[] starts) {
    this.all = all;
    this.starts = starts;
  }

  /**
   * Creates the bytes of a vocabulary.
   *
   * @param decoder the decoder of the tokenizer
   * @param visible the ids that decoding does not leave out
   * @param bytes the ids that stand for a single byte, as {@code <0x0A>} does
   * @param piece returns the text of an id
   */
  static TokenBytes of(JsonNode decoder, BitSet visible, BitSet bytes, IntFunction<String> piece) {
    List<UnaryOperator<String>> steps = new ArrayList<>();
    boolean levels = decoder.toString().contains("\"ByteLevel\"");
    if (!levels && !addSteps(decoder, steps)) {
      return new TokenBytes(new byte[0], new int[1]);
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    int[] starts = new int[visible.length() + 1];
    for (int id = 0; id < visible.length(); id++) {
      if (visible.get(id)) {
        all.writeBytes(text(piece.apply(id), levels, bytes.get(id), steps));
      }
      starts[id + 1] = all.size();
    }
    return new TokenBytes(all.toByteArray(), starts);
  }

  /** Returns whether the decoder treats each token by itself, in a way that is known here. */
  private static boolean addSteps(JsonNode decoder, List<UnaryOperator<String>> steps) {
    switch (decoder.path("type").asText()) {
      case "Sequence" -> {
        for (JsonNode inner : decoder.path("decoders")) {
          if (!addSteps(inner, steps)) {
            return false;
          }
        }
      }
      case "Replace" -> {
        JsonNode text = decoder.path("pattern").path("String");
        String content = decoder.path("content").asText();
        steps.add(piece -> piece.replace(text.asText(), content));
        return text.isTextual();
      }
      case "Metaspace" -> {
        String replacement = decoder.path("replacement").asText("\u2581");
        steps.add(piece -> piece.replace(replacement, " "));
      }
      case "ByteFallback", "Fuse", "Strip" -> {} // bytes are known, and blanks stay but the first
      default -> {
        return false;
      }
    }
    return true;
  }

  private static byte[] text(
      String piece, boolean levels, boolean isByte, List<UnaryOperator<String>> steps) {
    if (isByte) {
      return new byte[] {(byte) Integer.parseInt(piece.substring(3, 5), 16)};
    }
    if (levels) {
      return ofLevels(piece);
    }
    String text = piece;
    for (UnaryOperator<String> step : steps) {
      text = step.apply(text);
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] ofLevels(String piece) {
    byte[] bytes = new byte[piece.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = piece.charAt(i);
      int value = c < BYTE_OF.length ? BYTE_OF[c] : -1;
      if (value < 0) {
        return piece.getBytes(StandardCharsets.UTF_8); // an added token, written as it is
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }

  /** Returns the byte of each character of GPT-2's alphabet, or -1. */
  private static int[] byteOf() {
    int[] values = new int[2 * BYTES];
    Arrays.fill(values, -1);
    int moved = BYTES;
    for (int value = 0; value < BYTES; value++) {
      boolean own = (value >= '!' && value <= '~') || (value >= 0xA1 && value != 0xAD);
      values[own ? value : moved++] = value;
    }
    return values;
  }

  /** Returns whether the decoder is known. */
  boolean isKnown() {
    return all.length > 0;
  }

  /** Returns the bytes of a token; empty if it has none. */
  byte[] of(int token) {
    return token < starts.length - 1
        ? Arrays.copyOfRange(all, starts[token], starts[token + 1])
        : new byte[0];
  }
}
