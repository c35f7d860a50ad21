package dev.s3llm.text.internal.tokenizer;

import dev.s3llm.model.ModelFormatException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Typed access to the metadata of a GGUF file. Numbers may be of any type, and arrays of numbers
 * may be arrays or lists.
 *
 * @param file the source, for messages
 * @param values by key
 */
record GgufMetadata(String file, Map<String, ?> values) {

  boolean has(String key) {
    return values.containsKey(key);
  }

  String text(String key, String absent) {
    Object value = values.get(key);
    if (value == null || value instanceof String) {
      return value == null ? absent : (String) value;
    }
    throw bad(key, "must be a text");
  }

  boolean flag(String key, boolean absent) {
    Object value = values.get(key);
    if (value == null || value instanceof Boolean) {
      return value == null ? absent : (Boolean) value;
    }
    throw bad(key, "must be true or false");
  }

  int id(String key, int absent) {
    Object value = values.get(key);
    if (value == null) {
      return absent;
    }
    if (value instanceof Number number
        && number.longValue() >= 0
        && number.longValue() <= Integer.MAX_VALUE) {
      return number.intValue();
    }
    throw bad(key, "is " + value + ", but must be a token id");
  }

  /** Returns a list of texts; empty if there is none. */
  List<String> texts(String key) {
    Object value = values.get(key);
    if (value == null) {
      return List.of();
    }
    if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
      return list.stream().map(String.class::cast).toList();
    }
    throw bad(key, "must be an array of texts");
  }

  /** Returns an array of numbers; empty if there is none. */
  double[] numbers(String key) {
    Object value = values.get(key);
    if (value == null) {
      return new double[0];
    }
    if (value instanceof long[] longs) {
      return Arrays.stream(longs).asDoubleStream().toArray();
    }
    if (value instanceof int[] ints) {
      return Arrays.stream(ints).asDoubleStream().toArray();
    }
    if (value instanceof double[] doubles) {
      return doubles;
    }
    if (value instanceof float[] floats) {
      double[] doubles = new double[floats.length];
      Arrays.setAll(doubles, i -> floats[i]);
      return doubles;
    }
    if (value instanceof List<?> list && list.stream().allMatch(Number.class::isInstance)) {
      return list.stream().mapToDouble(number -> ((Number) number).doubleValue()).toArray();
    }
    throw bad(key, "must be an array of numbers");
  }

  ModelFormatException bad(String key, String what) {
    return new ModelFormatException("%s: %s %s".formatted(file, key, what));
  }
}
