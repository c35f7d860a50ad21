package dev.s3llm.text.internal.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Comparison, membership, concatenation and slices, by Python's rules. */
final class Operators {
  private Operators() {}

  static boolean equal(Env env, Value a, Value b) {
    return equal(env, a, b, 0);
  }

  private static boolean equal(Env env, Value a, Value b, int depth) {
    env.budget().visit(depth);
    if (a instanceof Text || b instanceof Text) {
      return a.equals(b);
    }
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
      return Numbers.compare(a, b) == 0 && !Numbers.isNaN(a);
    }
    if (a instanceof Sequence x && b instanceof Sequence y) {
      return x == y
          || (x.kind().sliced() == y.kind().sliced()
              && x.kind() != Sequence.Kind.ITERATOR
              && equalItems(env, x.view(), y.view(), depth));
    }
    if (a instanceof Dict x && b instanceof Dict y) {
      return x == y || equalEntries(env, x, y, depth);
    }
    return a.equals(b);
  }

  private static boolean equalItems(Env env, List<Value> a, List<Value> b, int depth) {
    boolean equal = a.size() == b.size();
    for (int i = 0; equal && i < a.size(); i++) {
      equal = equal(env, a.get(i), b.get(i), depth + 1);
    }
    return equal;
  }

  private static boolean equalEntries(Env env, Dict a, Dict b, int depth) {
    if (a.length() != b.length()) {
      return false;
    }
    for (Map.Entry<Value, Value> entry : a.entries()) {
      Value other = b.get(entry.getKey());
      if (other == null || !equal(env, entry.getValue(), other, depth + 1)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the order of two values as a comparator does.
   *
   * @throws JinjaException if they have no order
   */
  static int compare(Env env, Value a, Value b) {
    return compare(env, a, b, 0);
  }

  private static int compare(Env env, Value a, Value b, int depth) {
    env.budget().visit(depth);
    if (a instanceof Text x && b instanceof Text y) {
      return compareCodePoints(x.chars(), y.chars());
    }
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
      return Numbers.compare(a, b);
    }
    if (a instanceof Sequence x
        && b instanceof Sequence y
        && x.kind().sliced() == y.kind().sliced()
        && x.kind().isListOrTuple()) {
      return compareItems(env, x.view(), y.view(), depth);
    }
    throw unsupported("comparison", a, b);
  }

  private static int compareItems(Env env, List<Value> a, List<Value> b, int depth) {
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      if (!equal(env, a.get(i), b.get(i), depth + 1)) {
        return compare(env, a.get(i), b.get(i), depth + 1);
      }
    }
    return Integer.compare(a.size(), b.size());
  }

  private static int compareCodePoints(String a, String b) {
    for (int i = 0; i < Math.min(a.length(), b.length()); i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean surrogates = Character.isSurrogate(x) && Character.isSurrogate(y);
        return surrogates || (x < 0xd800 && y < 0xd800)
            ? Character.compare(x, y)
            : Integer.compare(a.codePointAt(i), b.codePointAt(i));
      }
    }
    return Integer.compare(a.length(), b.length());
  }

  /** Returns whether a container holds a value: {@code item in container}. */
  static boolean contains(Env env, Value container, Value item) {
    if (container instanceof Text text) {
      if (item instanceof Text part) {
        return text.chars().contains(part.chars());
      }
      throw JinjaException.runtime(
          "'in <string>' requires string as left operand, not %s", item.typeName());
    }
    if (container instanceof Dict dict) {
      return dict.get(item) != null;
    }
    if (container instanceof Sequence || container instanceof Undefined) {
      for (Value candidate : container.items(env)) {
        if (equal(env, candidate, item)) {
          return true;
        }
      }
      return false;
    }
    throw JinjaException.runtime("argument of type '%s' is not iterable", container.typeName());
  }

  /** Returns {@code a + b}. */
  static Value add(Env env, Value a, Value b) {
    if (a instanceof Text x && b instanceof Text y) {
      boolean safe = x.isSafe() || y.isSafe();
      TextBuilder out = new TextBuilder(env.budget());
      out.append(safe ? TextFilters.escape(env, x) : x);
      return out.append(safe ? TextFilters.escape(env, y) : y).toText().asSafe(safe);
    }
    if (a instanceof Sequence x && b instanceof Sequence y) {
      Sequence.Kind kind = x.kind().sliced();
      if (kind == y.kind().sliced() && kind.isListOrTuple()) {
        env.budget().items((long) x.length() + y.length());
        List<Value> items = new ArrayList<>(x.view());
        items.addAll(y.view());
        return Sequence.of(kind, items);
      }
    }
    return Numbers.calculate("+", a, b);
  }

  /** Returns {@code a * b}. */
  static Value multiply(Env env, Value a, Value b) {
    if (a instanceof Text || a instanceof Sequence) {
      return repeat(env, a, b);
    }
    return b instanceof Text || b instanceof Sequence
        ? repeat(env, b, a)
        : Numbers.calculate("*", a, b);
  }

  private static Value repeat(Env env, Value value, Value times) {
    BigInteger count = Numbers.integer(times);
    if (count == null || (value instanceof Sequence s && !s.kind().isListOrTuple())) {
      throw unsupported("*", value, times);
    }
    int n = Math.max(0, new Int(count).clamped());
    if (value instanceof Sequence sequence) {
      env.budget().items((long) n * sequence.length());
      List<Value> items = new ArrayList<>();
      for (int i = 0; sequence.isTrue() && i < n; i++) {
        items.addAll(sequence.view());
      }
      return Sequence.of(sequence.kind().sliced(), items);
    }
    Text text = (Text) value;
    env.budget().text(0, (long) n * text.chars().length());
    TextBuilder out = new TextBuilder(env.budget());
    for (int i = 0; text.isTrue() && i < n; i++) {
      out.append(text);
    }
    return out.toText().asSafe(text.isSafe());
  }

  /** Returns {@code value[from:to:step]}. */
  static Value slice(
      Env env, Value value, @Nullable Value from, @Nullable Value to, @Nullable Value step) {
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    boolean indexed = value instanceof Text || (value instanceof Sequence s && s.kind().hasIndex());
    if (!indexed) {
      throw JinjaException.runtime("'%s' object has no slices", value.typeName());
    }
    int size = value.length();
    int by = bound(step, 1);
    if (by == 0) {
      throw JinjaException.runtime("slice step cannot be zero");
    }
    int first = by > 0 ? 0 : -1;
    int start = clip(bound(from, by > 0 ? 0 : Integer.MAX_VALUE), size, first);
    int end =
        to == null || to == None.NONE ? (by > 0 ? size : -1) : clip(bound(to, 0), size, first);
    if (value instanceof Text text && by == 1) {
      int begin = text.offset(start);
      env.budget().text(0, Math.max(0, end - start));
      return text.sub(begin, Math.max(begin, text.offset(end)));
    }
    return pick(env, value, start, end, by);
  }

  private static int bound(@Nullable Value value, int otherwise) {
    if (value == null || value == None.NONE) {
      return otherwise;
    }
    BigInteger number = Numbers.integer(value);
    if (number == null) {
      throw JinjaException.runtime("slice indices must be integers or none");
    }
    return new Int(number).clamped();
  }

  private static int clip(int index, int size, int first) {
    long from = index < 0 ? (long) index + size : index;
    return (int) Math.max(first, Math.min(from, first < 0 ? size - 1 : size));
  }

  private static Value pick(Env env, Value value, int start, int end, int by) {
    List<Value> all = value instanceof Sequence s ? s.view() : value.items(env);
    List<Value> picked = new ArrayList<>();
    for (long i = start; by > 0 ? i < end : i > end; i += by) {
      picked.add(all.get((int) i));
    }
    if (value instanceof Sequence sequence) {
      env.budget().items(picked.size());
      return Sequence.of(sequence.kind().sliced(), picked);
    }
    TextBuilder out = new TextBuilder(env.budget());
    picked.forEach(out::append);
    return out.toText();
  }

  static JinjaException unsupported(String operator, Value a, Value b) {
    return a instanceof Undefined x
        ? x.failure()
        : b instanceof Undefined y
            ? y.failure()
            : JinjaException.runtime(
                "unsupported operand types for %s: '%s' and '%s'",
                operator, a.typeName(), b.typeName());
  }
}
