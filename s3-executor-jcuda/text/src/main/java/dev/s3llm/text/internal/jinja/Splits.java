package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** The methods of strings that return parts of them. */
final class Splits {
  private Splits() {}

  static void addTo(Map<String, TextMethods.Method> methods) {
    methods.put("split", (env, text, args) -> split(env, text, args, false));
    methods.put("rsplit", (env, text, args) -> split(env, text, args, true));
    methods.put("splitlines", Splits::splitLines);
    methods.put("partition", (env, text, args) -> partition(text, args, false));
    methods.put("rpartition", (env, text, args) -> partition(text, args, true));
  }

  private static Value split(Env env, Text text, Arguments arguments, boolean fromRight) {
    Arguments.Bound bound = arguments.bind("split", 0, "sep", "maxsplit");
    int given = bound.integer(1, -1);
    int most = given < 0 ? Integer.MAX_VALUE : given;
    List<Value> parts = new ArrayList<>();
    if (!bound.has(0)) {
      splitSpace(env, text, most, fromRight, parts);
    } else if (!bound.text(0).isTrue()) {
      throw JinjaException.runtime("empty separator");
    } else if (fromRight) {
      splitRight(env, text, bound.text(0).chars(), most, parts);
    } else {
      splitLeft(env, text, bound.text(0).chars(), most, parts);
    }
    if (fromRight) {
      Collections.reverse(parts);
    }
    return Sequence.of(Sequence.Kind.LIST, parts);
  }

  private static void add(Env env, List<Value> parts, Text part) {
    env.budget().item(parts.size());
    parts.add(part);
  }

  private static void splitLeft(Env env, Text text, String by, int most, List<Value> parts) {
    int done = 0;
    for (int at = text.chars().indexOf(by); at >= 0 && parts.size() < most; ) {
      add(env, parts, text.sub(done, at));
      done = at + by.length();
      at = text.chars().indexOf(by, done);
    }
    add(env, parts, text.sub(done));
  }

  private static void splitRight(Env env, Text text, String by, int most, List<Value> parts) {
    int end = text.chars().length();
    for (int at = before(text, by, end); at >= 0 && parts.size() < most; ) {
      add(env, parts, text.sub(at + by.length(), end));
      end = at;
      at = before(text, by, end);
    }
    add(env, parts, text.sub(0, end));
  }

  private static int before(Text text, String by, int end) {
    return text.chars().lastIndexOf(by, end - by.length());
  }

  /** Splits at white space; after so many splits, all that is left is the last part. */
  private static void splitSpace(
      Env env, Text text, int most, boolean fromRight, List<Value> parts) {
    String chars = text.chars();
    int step = fromRight ? -1 : 1;
    int end = fromRight ? -1 : chars.length();
    int i = skip(chars, fromRight ? chars.length() - 1 : 0, end, step, true);
    while (i != end) {
      boolean last = parts.size() >= most;
      int stop = last ? end : skip(chars, i, end, step, false);
      Text part = fromRight ? text.sub(stop + 1, i + 1) : text.sub(i, stop);
      add(env, parts, part);
      i = skip(chars, stop, end, step, true);
    }
  }

  private static int skip(String chars, int from, int end, int step, boolean space) {
    int i = from;
    while (i != end && Python.isSpace(chars.charAt(i)) == space) {
      i += step;
    }
    return i;
  }

  private static Value splitLines(Env env, Text text, Arguments arguments) {
    boolean keepEnds = arguments.bind("splitlines", 0, "keepends").flag(0);
    return Sequence.of(Sequence.Kind.LIST, new ArrayList<Value>(lines(env, text, keepEnds)));
  }

  /** Returns the lines of a text, with or without what ends them. */
  static List<Text> lines(Env env, Text text, boolean keepEnds) {
    List<Text> lines = new ArrayList<>();
    String chars = text.chars();
    int start = 0;
    for (int i = 0; i < chars.length(); i++) {
      if (Python.isLineEnd(chars.charAt(i))) {
        int next = chars.startsWith("\r\n", i) ? i + 2 : i + 1;
        env.budget().item(lines.size());
        lines.add(text.sub(start, keepEnds ? next : i));
        start = next;
        i = next - 1;
      }
    }
    if (start < chars.length()) {
      env.budget().item(lines.size());
      lines.add(text.sub(start));
    }
    return lines;
  }

  private static Value partition(Text text, Arguments arguments, boolean fromRight) {
    Text by = arguments.bind("partition", 1, "sep").text(0);
    if (!by.isTrue()) {
      throw JinjaException.runtime("empty separator");
    }
    int at = fromRight ? text.chars().lastIndexOf(by.chars()) : text.chars().indexOf(by.chars());
    if (at < 0) {
      return fromRight
          ? Sequence.tuple(Text.EMPTY, Text.EMPTY, text)
          : Sequence.tuple(text, Text.EMPTY, Text.EMPTY);
    }
    int end = at + by.chars().length();
    return Sequence.tuple(text.sub(0, at), text.sub(at, end), text.sub(end));
  }
}
