package dev.s3llm.text.internal.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a call.
 *
 * @param positional those without a name, in order
 * @param named those with a name, in the order of the call
 */
record Arguments(List<Value> positional, Map<String, Value> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /**
   * Assigns the arguments to parameters.
   *
   * @param function the name for messages
   * @param required how many parameters must be given
   * @param parameters the names of all parameters, in order
   * @throws JinjaException if an argument is missing, unknown or given twice
   */
  Bound bind(String function, int required, String... parameters) {
    if (positional.size() > parameters.length) {
      throw JinjaException.runtime(
          "%s() takes %d arguments at most, but %d were given",
          function, parameters.length, positional.size());
    }
    @Nullable Value[] values = new @Nullable Value[parameters.length];
    for (int i = 0; i < positional.size(); i++) {
      values[i] = positional.get(i);
    }
    Map<String, Value> rest = new LinkedHashMap<>(named);
    for (int i = 0; i < parameters.length; i++) {
      Value value = rest.remove(parameters[i]);
      if (value != null && values[i] != null) {
        throw JinjaException.runtime(
            "%s() got two values for argument '%s'", function, parameters[i]);
      }
      values[i] = value == null ? values[i] : value;
      if (i < required && values[i] == null) {
        throw JinjaException.runtime("%s() needs argument '%s'", function, parameters[i]);
      }
    }
    if (!rest.isEmpty()) {
      throw JinjaException.runtime(
          "%s() has no argument '%s'", function, rest.keySet().iterator().next());
    }
    return new Bound(function, parameters, values);
  }

  /** Returns the first positional argument, which must be a text. */
  Text bindFirst(String function) {
    if (!positional.isEmpty() && positional.get(0) instanceof Text text) {
      return text;
    }
    throw JinjaException.runtime("%s() needs a name as its first argument", function);
  }

  /** Returns the arguments without the first so many positional ones. */
  Arguments without(int count) {
    return new Arguments(positional.subList(count, positional.size()), named);
  }

  /** Returns the arguments with one more name. */
  Arguments with(String name, Value value) {
    Map<String, Value> all = new LinkedHashMap<>(named);
    all.put(name, value);
    return new Arguments(positional, all);
  }

  /** Arguments that are assigned to parameters, read by the parameter's index. */
  static final class Bound {
    private final String function;
    private final String[] parameters;
    private final @Nullable Value[] values;

    private Bound(String function, String[] parameters, @Nullable Value[] values) {
      this.function = function;
      this.parameters = parameters;
      this.values = values;
    }

    /** Returns whether a parameter is given; {@code none} does not count as given. */
    boolean has(int index) {
      return values[index] != null && values[index] != None.NONE;
    }

    @Nullable Value get(int index) {
      return values[index];
    }

    Value value(int index) {
      Value value = values[index];
      if (value == null) {
        throw JinjaException.runtime("%s() needs argument '%s'", function, parameters[index]);
      }
      return value;
    }

    Value value(int index, Value otherwise) {
      Value value = values[index];
      return value == null ? otherwise : value;
    }

    boolean flag(int index) {
      Value value = values[index];
      return value != null && value.isTrue();
    }

    Text text(int index) {
      if (value(index) instanceof Text text) {
        return text;
      }
      throw wrongType(index, "str");
    }

    /** Returns an integer, moved into the range of an int. */
    int integer(int index, int otherwise) {
      Value value = values[index];
      if (value == null) {
        return otherwise;
      }
      if (value instanceof Int number) {
        return number.clamped();
      }
      if (value instanceof Bool bool) {
        return bool.asInt();
      }
      throw wrongType(index, "int");
    }

    private JinjaException wrongType(int index, String expected) {
      Value value = value(index);
      return value instanceof Undefined undefined
          ? undefined.failure()
          : JinjaException.runtime(
              "argument '%s' of %s() must be %s, not %s",
              parameters[index], function, expected, value.typeName());
    }
  }
}
