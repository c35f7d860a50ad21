package dev.s3llm.text.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns plain Java data into values of templates. */
final class Conversion {
  /** Values in values: what a message or the schema of a tool may have, with a margin. */
  private static final int MAX_DEPTH = 200;

  private final boolean foreign;

  /**
   * Makes a conversion.
   *
   * @param foreign whether the texts come from outside the template
   */
  Conversion(boolean foreign) {
    this.foreign = foreign;
  }

  Value value(@Nullable Object object) {
    return value(object, 0);
  }

  private Value value(@Nullable Object object, int depth) {
    if (depth > MAX_DEPTH) {
      throw JinjaException.limit("a variable nests more than %d values".formatted(MAX_DEPTH));
    }
    if (object == null) {
      return None.NONE;
    }
    if (object instanceof OwnText text) {
      return Text.of(text.text());
    }
    if (object instanceof CharSequence chars) {
      return foreign ? Text.foreign(chars.toString()) : Text.of(chars.toString());
    }
    if (object instanceof Boolean bool) {
      return Bool.of(bool);
    }
    if (object instanceof Number number) {
      return number(number);
    }
    if (object instanceof Map<?, ?> map) {
      Dict dict = new Dict();
      map.forEach((key, item) -> dict.put(value(key, depth + 1), value(item, depth + 1)));
      return dict;
    }
    if (object instanceof Iterable<?> items) {
      List<Value> values = new ArrayList<>();
      items.forEach(item -> values.add(value(item, depth + 1)));
      return Sequence.of(Sequence.Kind.LIST, values);
    }
    throw new IllegalArgumentException(
        "a variable of a template must be plain data, not " + object.getClass().getName());
  }

  private static Value number(Number number) {
    if (number instanceof Double || number instanceof Float) {
      return new Real(number.doubleValue());
    }
    if (number instanceof BigInteger integer) {
      return new Int(integer);
    }
    return number instanceof BigDecimal decimal
        ? new Real(decimal.doubleValue())
        : Int.of(number.longValue());
  }
}
