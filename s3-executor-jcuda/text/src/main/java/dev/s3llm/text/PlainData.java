package dev.s3llm.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Copies values as JSON has them, so that later changes of a caller have no effect. */
final class PlainData {
  private static final int MAX_DEPTH = 100;

  private PlainData() {}

  /**
   * Copies a mapping.
   *
   * @param name what the mapping is, for messages
   * @param map keys of text; null, strings, booleans, numbers, lists and maps
   * @throws IllegalArgumentException if a value is of another type or nests too deeply
   */
  static Map<String, @Nullable Object> copy(
      String name, Map<String, ? extends @Nullable Object> map) {
    return copy(name, Objects.requireNonNull(map, () -> name + " must not be null"), 0);
  }

  /**
   * Copies a list of mappings.
   *
   * @param name what the list is, for messages
   * @param maps mappings as {@link #copy} takes them
   * @throws IllegalArgumentException if a value is of another type or nests too deeply
   */
  static List<Map<String, @Nullable Object>> copies(
      String name, List<? extends Map<String, ? extends @Nullable Object>> maps) {
    Objects.requireNonNull(maps, () -> name + " must not be null");
    return maps.stream().map(map -> copy(name, map)).toList();
  }

  /**
   * Copies a value.
   *
   * @param name what the value is, for messages
   * @param value null, a string, boolean, number, list, or map with keys of text
   * @throws IllegalArgumentException if the value is of another type or nests too deeply
   */
  static @Nullable Object value(String name, @Nullable Object value) {
    return value(name, value, 0);
  }

  /** Returns a mapping in the order of the arguments: key, value, key, value. */
  static Map<String, @Nullable Object> ordered(@Nullable Object... entries) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    for (int i = 0; i < entries.length; i += 2) {
      map.put((String) Objects.requireNonNull(entries[i]), entries[i + 1]);
    }
    return map;
  }

  private static Map<String, @Nullable Object> copy(String name, Map<?, ?> map, int depth) {
    Map<String, @Nullable Object> copy = new LinkedHashMap<>();
    map.forEach(
        (key, value) -> {
          if (!(key instanceof String text)) {
            throw new IllegalArgumentException(name + " must have keys of text, but has " + key);
          }
          copy.put(text, value(name, value, depth + 1));
        });
    return Collections.unmodifiableMap(copy);
  }

  private static @Nullable Object value(String name, @Nullable Object value, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException(
          "%s must not nest more than %d values".formatted(name, MAX_DEPTH));
    }
    if (value instanceof Map<?, ?> map) {
      return copy(name, map, depth);
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> copy = new ArrayList<>(list.size());
      list.forEach(item -> copy.add(value(name, item, depth + 1)));
      return Collections.unmodifiableList(copy);
    }
    if (value == null
        || value instanceof String
        || value instanceof Boolean
        || value instanceof Number) {
      return value;
    }
    throw new IllegalArgumentException(
        "%s must hold null, texts, booleans, numbers, lists and maps, but holds a %s"
            .formatted(name, value.getClass().getName()));
  }
}
