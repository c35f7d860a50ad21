package dev.s3llm.text.internal.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The variables of a part of the template. A part sees the variables of those around it, and what
 * it sets is gone when it ends.
 */
final class Scope {
  /** A round of a loop has its own few variables, and there are many rounds. */
  private static final int INITIAL_CAPACITY = 4;

  private final @Nullable Scope outer;
  private @Nullable Map<String, Value> variables;

  Scope(@Nullable Scope outer) {
    this.outer = outer;
  }

  void set(String name, Value value) {
    if (variables == null) {
      variables = new HashMap<>(INITIAL_CAPACITY);
    }
    variables.put(name, value);
  }

  /** Returns a variable of this scope or of the nearest around it, or null. */
  @Nullable Value get(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      Value value = scope.variables == null ? null : scope.variables.get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  /** Returns the scope of the whole template. */
  Scope root() {
    Scope scope = this;
    while (scope.outer != null && scope.outer.outer != null) {
      scope = scope.outer;
    }
    return scope;
  }
}
