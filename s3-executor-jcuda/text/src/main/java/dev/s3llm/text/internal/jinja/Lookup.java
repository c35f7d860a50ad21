package dev.s3llm.text.internal.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Access to items and attributes as templates and filters do it, inside the sandbox. */
final class Lookup {
  private static final int MAX_NAME_CHARS = 1000;

  private Lookup() {}

  /** Returns an attribute, a forbidden one as undefined, or null if there is none. */
  static @Nullable Value attribute(Value base, String name) {
    Value found = base.attribute(name);
    boolean internal = found == null && name.startsWith("__") && name.endsWith("__");
    return internal ? Undefined.forbidden(base, name) : found;
  }

  /** Returns an item, or else an attribute of the same name, or else undefined. */
  static Value item(Value base, Value key) {
    Value found = base.item(key);
    if (found == null && key instanceof Text name) {
      found = attribute(base, name.chars());
    }
    return found == null ? missing(base, key) : found;
  }

  private static Undefined missing(Value base, Value key) {
    return key instanceof Text name
        ? Undefined.attribute(base, name.chars())
        : Undefined.because("'%s object' has no such element".formatted(base.typeName()));
  }

  /** Returns what a filter's {@code attribute}, such as {@code a.0.b}, reads of each item. */
  static Function<Value, Value> path(@Nullable Value attribute) {
    List<Value> keys = new ArrayList<>();
    if (attribute instanceof Text text) {
      for (String part : shortName(text).split("\\.", -1)) {
        boolean digits = !part.isEmpty() && part.chars().allMatch(c -> c >= '0' && c <= '9');
        keys.add(digits ? new Int(new BigInteger(part)) : Text.of(part));
      }
    } else if (attribute != null && attribute != None.NONE) {
      keys.add(attribute);
    }
    return item -> {
      Value value = item;
      for (Value key : keys) {
        value = item(value, key);
      }
      return value;
    };
  }

  /** Returns the characters of an attribute's name, or of several. */
  static String shortName(Text text) {
    if (text.chars().length() > MAX_NAME_CHARS) {
      throw JinjaException.limit(
          "the name of an attribute has more than %d characters".formatted(MAX_NAME_CHARS));
    }
    return text.chars();
  }

  /** Returns whether a comparison holds. */
  static boolean compares(Env env, String operator, Value a, Value b) {
    return switch (operator) {
      case "==" -> Operators.equal(env, a, b);
      case "!=" -> !Operators.equal(env, a, b);
      case "in" -> Operators.contains(env, b, a);
      case "not in" -> !Operators.contains(env, b, a);
      default -> ordered(env, operator, a, b);
    };
  }

  private static boolean ordered(Env env, String operator, Value a, Value b) {
    if (Numbers.isNaN(a) || Numbers.isNaN(b)) {
      return false;
    }
    int order = Operators.compare(env, a, b);
    return switch (operator) {
      case "<" -> order < 0;
      case "<=" -> order <= 0;
      case ">" -> order > 0;
      default -> order >= 0;
    };
  }
}
