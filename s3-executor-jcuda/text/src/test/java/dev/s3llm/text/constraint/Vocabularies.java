package dev.s3llm.text.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Vocabularies like those of models: control tokens, all bytes, pieces of words and of JSON. */
final class Vocabularies {
  private static final String LETTERS = "etaoinshrdlucmfwypvbgkqjxz";

  private static final List<String> PIECES =
      List.of(
          "\"}",
          "\"}]",
          "\": ",
          "\": \"",
          "\", \"",
          "{\"",
          "[\"",
          "[[",
          "]]",
          "[[[",
          "]]]",
          "}}",
          "},{",
          "}, {",
          " {",
          "\n  ",
          "\n    ",
          "true",
          "false",
          "null",
          " true",
          " null",
          "\":",
          "\",",
          "  ",
          "    ",
          "        ",
          ", ",
          ",\n",
          "00",
          "10",
          "123",
          "\\n",
          "\\u",
          "\\\"",
          "\u00e9",
          "\u00f6",
          "\u65e5\u672c",
          "name\"",
          "\"name\"",
          "{\n",
          "}\n",
          "-1",
          "0.",
          ".5",
          "20",
          "-0",
          "T0",
          "::",
          "://",
          ".com",
          "aaaa",
          "aaaaaaaa",
          "\u00e9\u00e9\u00e9");

  /** The part of a character that a token ends with, or begins with. */
  private static final byte[][] SPLIT = {
    {'a', (byte) 0xC3}, {(byte) 0xA9, 'b'}, {(byte) 0xF0, (byte) 0x9F}, {(byte) 0x98, (byte) 0x80},
  };

  private Vocabularies() {}

  /** Returns a vocabulary of some size, at least 400; token 0 is a control token. */
  static List<byte[]> ofSize(int size) {
    List<byte[]> tokens = new ArrayList<>();
    tokens.add(new byte[0]);
    for (int value = 0; value < 256; value++) {
      tokens.add(new byte[] {(byte) value});
    }
    tokens.addAll(List.of(SPLIT));
    Set<String> words = new LinkedHashSet<>(PIECES);
    Random random = new Random(1);
    while (tokens.size() + words.size() < size) {
      words.add(word(random));
    }
    words.forEach(word -> tokens.add(word.getBytes(StandardCharsets.UTF_8)));
    return tokens;
  }

  private static String word(Random random) {
    StringBuilder word = new StringBuilder(random.nextInt(3) == 0 ? "" : " ");
    for (int i = random.nextInt(8); i >= 0; i--) {
      word.append(LETTERS.charAt((int) (LETTERS.length() * Math.pow(random.nextDouble(), 2))));
    }
    List<String> ends = List.of("\"", ",", ".", "\":", "\\n", "\",");
    return random.nextInt(8) == 0 ? word + ends.get(random.nextInt(ends.size())) : word.toString();
  }
}
