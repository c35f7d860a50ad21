package dev.s3llm.model.gguf;

import dev.s3llm.model.ModelFormatException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Checked access to a file's metadata. Remembers which keys of the architecture were read: {@link
 * #refuseUnread} then refuses every other one that is not known to be without effect.
 */
final class GgufKeys {
  /** Keys of architectures that say nothing that a configuration needs. */
  private static final Set<String> HARMLESS =
      Set.of("vocab_size", "tensor_data_layout", "rope.scaling.finetuned", "expert_group_count");

  private final Path path;
  private final Map<String, Object> metadata;
  private final String prefix;
  private final Set<String> read = new HashSet<>();

  GgufKeys(Path path, Map<String, Object> metadata, String architecture) {
    this.path = path;
    this.metadata = metadata;
    this.prefix = architecture + ".";
  }

  /** Returns whether the architecture has a key; it counts as read. */
  boolean has(String key) {
    read.add(key);
    return metadata.containsKey(prefix + key);
  }

  /** Returns the value of a key of the architecture; null if it is missing. */
  @Nullable Object value(String key) {
    read.add(key);
    return metadata.get(prefix + key);
  }

  /** Returns an integer from 1 on. */
  int size(String key) {
    return size(key, 0);
  }

  /** Returns an integer from 1 on, or the default if the key is missing; 0 is no default. */
  int size(String key, int byDefault) {
    Object value = value(key);
    if (value == null && byDefault > 0) {
      return byDefault;
    }
    if (value instanceof long[] layers && Arrays.stream(layers).distinct().count() == 1) {
      value = layers[0];
    }
    if (value instanceof Long number && number > 0 && number <= Integer.MAX_VALUE) {
      return number.intValue();
    }
    throw bad(key, shown(value), "an integer from 1 on, the same for all layers");
  }

  /** Returns a number, or the default if the key is missing. */
  double number(String key, double byDefault) {
    Object value = value(key);
    if (value == null) {
      return byDefault;
    }
    if (value instanceof Double real && Double.isFinite(real)) {
      return shortest(real);
    }
    if (value instanceof Long integer) {
      return integer;
    }
    throw bad(key, shown(value), "a number");
  }

  /** Returns a text, or the default if the key is missing. */
  String text(String key, String byDefault) {
    Object value = value(key);
    if (value == null || value instanceof String) {
      return value == null ? byDefault : (String) value;
    }
    throw bad(key, shown(value), "a text");
  }

  /** Refuses a number that is there and is not the one that means nothing. */
  void require(String key, double neutral) {
    if (number(key, neutral) != neutral) {
      throw bad(key, shown(value(key)), neutral + ", since it changes the arithmetic");
    }
  }

  /** Refuses a flag that is there and has another value. */
  void require(String key, boolean expected) {
    Object value = value(key);
    if (value != null && !value.equals(expected)) {
      throw bad(key, shown(value), expected + ", since it changes the arithmetic");
    }
  }

  /** Returns a token id of the tokenizer's metadata. */
  Optional<Integer> token(String key) {
    return metadata.get("tokenizer.ggml." + key) instanceof Long id && id == id.intValue()
        ? Optional.of(id.intValue())
        : Optional.empty();
  }

  /** Returns the tokens' texts; empty if the file has none. */
  List<?> tokens() {
    return metadata.get("tokenizer.ggml.tokens") instanceof List<?> tokens ? tokens : List.of();
  }

  /** Refuses each key of the architecture that was not read. */
  void refuseUnread() {
    Set<String> unread = new TreeSet<>();
    for (String key : metadata.keySet()) {
      String own = key.startsWith(prefix) ? key.substring(prefix.length()) : "";
      if (!own.isEmpty() && !read.contains(own) && !HARMLESS.contains(own)) {
        unread.add("%s (%s)".formatted(key, shown(metadata.get(key))));
      }
    }
    if (!unread.isEmpty()) {
      throw new ModelFormatException(
          "%s: keys that may change the arithmetic and are not supported: %s"
              .formatted(path, String.join(", ", unread)));
    }
  }

  ModelFormatException bad(String key, String value, String expected) {
    return new ModelFormatException(
        "%s: %s%s is %s, but must be %s".formatted(path, prefix, key, value, expected));
  }

  private static String shown(@Nullable Object value) {
    if (value == null) {
      return "missing";
    }
    String text = value instanceof long[] array ? Arrays.toString(array) : String.valueOf(value);
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }

  /** Returns the number that was meant by one which was stored in single precision. */
  private static double shortest(double value) {
    return (float) value == value ? Double.parseDouble(Float.toString((float) value)) : value;
  }
}
