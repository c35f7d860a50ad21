package dev.s3llm.text.internal.tool;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The functions of a request, by name. Immutable and thread-safe. */
public final class Functions {
  /** No functions: nothing is a call. */
  public static final Functions NONE = new Functions(Map.of());

  private final Map<String, Map<?, ?>> byName;

  private Functions(Map<String, Map<?, ?>> byName) {
    this.byName = byName;
  }

  /**
   * Reads the functions of a list of tools.
   *
   * @param tools in the form of the OpenAI protocol, or functions without that frame; others are
   *     left out
   */
  public static Functions of(List<?> tools) {
    Map<String, Map<?, ?>> byName = new LinkedHashMap<>();
    for (Object tool : tools) {
      if (tool instanceof Map<?, ?> map) {
        Map<?, ?> function = map.get("function") instanceof Map<?, ?> inner ? inner : map;
        if (function.get("name") instanceof String name && !name.isEmpty()) {
          byName.put(name, function);
        }
      }
    }
    return byName.isEmpty() ? NONE : new Functions(byName);
  }

  /** Returns the names, in the order of the tools. */
  public Set<String> names() {
    return byName.keySet();
  }

  /** Returns whether there is no function. */
  public boolean isEmpty() {
    return byName.isEmpty();
  }

  /** Returns whether a function exists. */
  public boolean contains(String name) {
    return byName.containsKey(name);
  }

  /** Returns whether the name of a function begins with a text. */
  boolean anyBeginsWith(String text) {
    return byName.keySet().stream().anyMatch(name -> name.startsWith(text));
  }

  /** Returns whether the arguments of a function must keep its schema. */
  public boolean isStrict(String name) {
    Map<?, ?> function = byName.get(name);
    return function != null && Boolean.TRUE.equals(function.get("strict"));
  }

  /** Returns the JSON schema of the arguments of a function; empty if it has none. */
  public Optional<Map<?, ?>> parameters(String name) {
    Map<?, ?> function = byName.get(name);
    return function != null && function.get("parameters") instanceof Map<?, ?> schema
        ? Optional.of(schema)
        : Optional.empty();
  }

  /** Returns the type of a parameter; empty if the schema does not say exactly one. */
  Optional<String> type(String name, String parameter) {
    @Nullable Object properties =
        parameters(name).<@Nullable Object>map(schema -> schema.get("properties")).orElse(null);
    return properties instanceof Map<?, ?> map
            && map.get(parameter) instanceof Map<?, ?> schema
            && schema.get("type") instanceof String type
        ? Optional.of(type)
        : Optional.empty();
  }
}
