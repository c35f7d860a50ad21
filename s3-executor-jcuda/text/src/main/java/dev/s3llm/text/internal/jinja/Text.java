package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A string that knows which of its characters came from outside the template. Every operation keeps
 * that: a slice of a message is foreign, and so is a message in upper case or inside a JSON text,
 * while what the template writes around it is not. Two texts are equal if their characters are.
 *
 * <p>Indices that templates use count code points, as in Python; the methods here count {@code
 * char}s unless they say otherwise.
 */
final class Text implements Value {
  static final Text EMPTY = new Text("", new int[0], false);

  private static final int[] NO_MARKS = new int[0];

  private final String chars;

  /** The borders of the foreign ranges: start, end, start, end; ascending. */
  private final int[] marks;

  private final boolean safe;
  private int codePoints = -1;

  Text(String chars, int[] marks, boolean safe) {
    this.chars = chars;
    this.marks = marks;
    this.safe = safe;
  }

  /** Returns a text of the template's own. */
  static Text of(String chars) {
    return new Text(chars, NO_MARKS, false);
  }

  /** Returns a text from outside the template. */
  static Text foreign(String chars) {
    return new Text(chars, chars.isEmpty() ? NO_MARKS : new int[] {0, chars.length()}, false);
  }

  /**
   * Returns the name of an argument or attribute as a text. A template writes such names as
   * identifiers; all others come from the keys of a mapping, which may be foreign.
   */
  static Text ofName(String name) {
    boolean identifier = name.codePoints().allMatch(c -> c == '_' || Character.isLetterOrDigit(c));
    return identifier ? of(name) : foreign(name);
  }

  /** Returns {@code chars} as foreign as this text: wholly, if any character of this one is. */
  Text like(String other) {
    return marks.length == 0 ? of(other) : foreign(other);
  }

  String chars() {
    return chars;
  }

  int[] marks() {
    return marks;
  }

  /** Returns whether {@code escape} leaves this text alone. */
  boolean isSafe() {
    return safe;
  }

  Text asSafe(boolean value) {
    return safe == value ? this : new Text(chars, marks, value);
  }

  private boolean isUniform() {
    return marks.length == 0 || (marks.length == 2 && marks[0] == 0 && marks[1] == chars.length());
  }

  /** Returns the part between two offsets. */
  Text sub(int from, int to) {
    if (from == 0 && to == chars.length()) {
      return this;
    }
    String part = chars.substring(from, to);
    if (isUniform()) {
      return like(part);
    }
    int[] inside = new int[marks.length];
    int count = 0;
    for (int i = 0; i < marks.length; i += 2) {
      int start = Math.max(from, marks[i]);
      int end = Math.min(to, marks[i + 1]);
      if (start < end) {
        inside[count++] = start - from;
        inside[count++] = end - from;
      }
    }
    return new Text(part, Arrays.copyOf(inside, count), false);
  }

  Text sub(int from) {
    return sub(from, chars.length());
  }

  /** Returns this text with its characters mapped; each foreign range stays foreign. */
  Text map(Env env, UnaryOperator<String> change) {
    if (isUniform()) {
      String changed = change.apply(chars);
      env.budget().text(0, changed.length());
      return like(changed);
    }
    TextBuilder out = new TextBuilder(env.budget());
    int done = 0;
    for (int i = 0; i < marks.length; i += 2) {
      out.append(of(change.apply(chars.substring(done, marks[i]))));
      out.append(foreign(change.apply(chars.substring(marks[i], marks[i + 1]))));
      done = marks[i + 1];
    }
    return out.append(of(change.apply(chars.substring(done)))).toText();
  }

  /** Returns the number of code points. */
  @Override
  public int length() {
    if (codePoints < 0) {
      codePoints = chars.codePointCount(0, chars.length());
    }
    return codePoints;
  }

  /** Returns the offset of a code point's index, which must be between 0 and the length. */
  int offset(int index) {
    return length() == chars.length() ? index : chars.offsetByCodePoints(0, index);
  }

  /** Returns the code point's index of an offset. */
  int index(int offset) {
    return length() == chars.length() ? offset : chars.codePointCount(0, offset);
  }

  @Override
  public String typeName() {
    return "str";
  }

  @Override
  public boolean isTrue() {
    return !chars.isEmpty();
  }

  @Override
  public List<Value> items(Env env) {
    env.budget().items(length());
    List<Value> items = new ArrayList<>(length());
    for (int i = 0; i < chars.length(); ) {
      int next = chars.offsetByCodePoints(i, 1);
      items.add(sub(i, next));
      i = next;
    }
    return items;
  }

  @Override
  public @Nullable Value attribute(String name) {
    return TextMethods.find(this, name);
  }

  @Override
  public @Nullable Value item(Value key) {
    int index = Sequence.index(key, length());
    if (index < 0) {
      return null;
    }
    int from = offset(index);
    return sub(from, chars.offsetByCodePoints(from, 1));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Text text && chars.equals(text.chars);
  }

  @Override
  public int hashCode() {
    return chars.hashCode();
  }

  @Override
  public String toString() {
    return chars;
  }
}
