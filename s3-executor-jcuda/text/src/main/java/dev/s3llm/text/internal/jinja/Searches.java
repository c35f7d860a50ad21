package dev.s3llm.text.internal.jinja;

import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;

/** The methods of strings that look for others in them. */
final class Searches {
  private Searches() {}

  static void addTo(Map<String, TextMethods.Method> methods) {
    methods.put("find", (env, text, args) -> Int.of(find(env, text, "find", args)));
    methods.put("rfind", (env, text, args) -> Int.of(find(env, text, "rfind", args)));
    methods.put("index", (env, text, args) -> Int.of(found(find(env, text, "find", args))));
    methods.put("rindex", (env, text, args) -> Int.of(found(find(env, text, "rfind", args))));
    methods.put("count", Searches::count);
    methods.put(
        "startswith",
        (env, text, args) -> Bool.of(matches(env, text, "startswith", args, String::startsWith)));
    methods.put(
        "endswith",
        (env, text, args) -> Bool.of(matches(env, text, "endswith", args, String::endsWith)));
  }

  /** Returns the part of a text that the arguments start and end select. */
  private static Text window(Env env, Text text, Arguments.Bound bound) {
    return bound.has(1) || bound.has(2)
        ? (Text) Operators.slice(env, text, bound.get(1), bound.get(2), null)
        : text;
  }

  private static int find(Env env, Text text, String name, Arguments arguments) {
    Arguments.Bound bound = arguments.bind(name, 1, "sub", "start", "end");
    String sought = bound.text(0).chars();
    Text window = window(env, text, bound);
    String chars = window.chars();
    int at = name.equals("find") ? chars.indexOf(sought) : chars.lastIndexOf(sought);
    if (at < 0) {
      return -1;
    }
    int start = bound.integer(1, 0);
    return window.index(at) + Math.max(0, start < 0 ? start + text.length() : start);
  }

  private static int found(int index) {
    if (index < 0) {
      throw JinjaException.runtime("substring not found");
    }
    return index;
  }

  private static Value count(Env env, Text text, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("count", 1, "sub", "start", "end");
    Text window = window(env, text, bound);
    String sought = bound.text(0).chars();
    if (sought.isEmpty()) {
      return Int.of(window.length() + 1);
    }
    int count = 0;
    for (int at = window.chars().indexOf(sought); at >= 0; count++) {
      at = window.chars().indexOf(sought, at + sought.length());
    }
    return Int.of(count);
  }

  private static boolean matches(
      Env env, Text text, String name, Arguments arguments, BiPredicate<String, String> test) {
    Arguments.Bound bound = arguments.bind(name, 1, "prefix", "start", "end");
    String chars = window(env, text, bound).chars();
    Value sought = bound.value(0);
    boolean several = sought instanceof Sequence s && s.kind() == Sequence.Kind.TUPLE;
    for (Value candidate : several ? sought.items(env) : List.of(sought)) {
      if (!(candidate instanceof Text part)) {
        throw JinjaException.runtime(
            "%s needs a string or a tuple of strings, not %s", name, candidate.typeName());
      }
      if (test.test(chars, part.chars())) {
        return true;
      }
    }
    return false;
  }
}
