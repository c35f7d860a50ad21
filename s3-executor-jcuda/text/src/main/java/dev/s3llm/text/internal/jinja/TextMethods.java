package dev.s3llm.text.internal.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's strings that templates use. Those that split are in {@link Splits}. */
final class TextMethods {
  /** A method of a text. */
  @FunctionalInterface
  interface Method {
    Value call(Env env, Text text, Arguments arguments);
  }

  private static final Set<String> NOT_SUPPORTED =
      Set.of(
          "casefold",
          "encode",
          "expandtabs",
          "format_map",
          "isidentifier",
          "istitle",
          "maketrans",
          "translate");

  static final Text BLANK = Text.of(" ");

  private static final Map<String, Method> METHODS = methods();

  private TextMethods() {}

  /** Returns a method bound to a text, or null if there is none of this name. */
  static @Nullable Value find(Text text, String name) {
    Method method = METHODS.get(name);
    if (method != null) {
      return new Function(name, (env, arguments) -> method.call(env, text, arguments));
    }
    return NOT_SUPPORTED.contains(name)
        ? new Function(
            name,
            (env, arguments) -> {
              throw JinjaException.runtime("the method '%s' of str is not supported", name);
            })
        : null;
  }

  private static Map<String, Method> methods() {
    Map<String, Method> methods = new HashMap<>();
    methods.put("strip", (env, text, args) -> strip(text, chars("strip", args), true, true));
    methods.put("lstrip", (env, text, args) -> strip(text, chars("lstrip", args), true, false));
    methods.put("rstrip", (env, text, args) -> strip(text, chars("rstrip", args), false, true));
    methods.put("upper", (env, text, args) -> text.map(env, s -> s.toUpperCase(Locale.ROOT)));
    methods.put("lower", (env, text, args) -> text.map(env, s -> s.toLowerCase(Locale.ROOT)));
    methods.put("capitalize", (env, text, args) -> capitalize(env, text));
    methods.put("title", (env, text, args) -> title(env, text));
    methods.put("swapcase", (env, text, args) -> text.map(env, TextMethods::swapCase));
    methods.put("replace", TextMethods::replace);
    methods.put("join", TextMethods::join);
    methods.put("removeprefix", (env, text, args) -> removePrefix(text, one("removeprefix", args)));
    methods.put("removesuffix", (env, text, args) -> removeSuffix(text, one("removesuffix", args)));
    methods.put("format", BraceFormat::format);
    methods.put("zfill", TextMethods::zfill);
    for (String name : List.of("center", "ljust", "rjust")) {
      methods.put(name, (env, text, args) -> justify(env, text, name, args));
    }
    Splits.addTo(methods);
    Searches.addTo(methods);
    addPredicates(methods);
    return Map.copyOf(methods);
  }

  private static void addPredicates(Map<String, Method> methods) {
    all(methods, "isalpha", Character::isLetter);
    all(methods, "isdigit", c -> Character.isDigit(c) || isNumeral(c, Character.OTHER_NUMBER));
    all(methods, "isdecimal", Character::isDigit);
    all(methods, "isnumeric", TextMethods::isNumeric);
    all(methods, "isalnum", c -> Character.isLetter(c) || isNumeric(c));
    all(methods, "isspace", Python::isSpace);
    methods.put("isupper", (env, text, args) -> Bool.of(isCase(text.chars(), true)));
    methods.put("islower", (env, text, args) -> Bool.of(isCase(text.chars(), false)));
    methods.put(
        "isascii", (env, text, args) -> Bool.of(text.chars().chars().allMatch(c -> c < 128)));
    methods.put(
        "isprintable",
        (env, text, args) -> Bool.of(text.chars().codePoints().allMatch(Python::isPrintable)));
  }

  private static void all(Map<String, Method> methods, String name, IntPredicate predicate) {
    methods.put(
        name,
        (env, text, args) ->
            Bool.of(text.isTrue() && text.chars().codePoints().allMatch(predicate)));
  }

  private static boolean isNumeric(int c) {
    return Character.isDigit(c)
        || isNumeral(c, Character.OTHER_NUMBER)
        || isNumeral(c, Character.LETTER_NUMBER);
  }

  private static boolean isNumeral(int c, byte type) {
    return Character.getType(c) == type;
  }

  /** Returns whether a text has cased characters, and all of them are of this case. */
  static boolean isCase(String text, boolean upper) {
    boolean any =
        text.codePoints().anyMatch(upper ? Character::isUpperCase : Character::isLowerCase);
    return any
        && text.codePoints()
            .noneMatch(
                c ->
                    Character.isTitleCase(c)
                        || (upper ? Character.isLowerCase(c) : Character.isUpperCase(c)));
  }

  private static Text one(String name, Arguments arguments) {
    return arguments.bind(name, 1, "value").text(0);
  }

  private static @Nullable String chars(String name, Arguments arguments) {
    Arguments.Bound bound = arguments.bind(name, 0, "chars");
    return bound.has(0) ? bound.text(0).chars() : null;
  }

  /** Returns a string without white space at its ends. */
  static String strip(String text) {
    return strip(Text.of(text), null, true, true).chars();
  }

  /** Returns a text without white space, or without any of the characters, at its ends. */
  static Text strip(Text text, @Nullable String characters, boolean left, boolean right) {
    String chars = text.chars();
    IntPredicate strips = characters == null ? Python::isSpace : c -> characters.indexOf(c) >= 0;
    int start = 0;
    int end = chars.length();
    while (left && start < end && strips.test(chars.codePointAt(start))) {
      start += Character.charCount(chars.codePointAt(start));
    }
    while (right && end > start && strips.test(chars.codePointBefore(end))) {
      end -= Character.charCount(chars.codePointBefore(end));
    }
    return text.sub(start, end);
  }

  static Text capitalize(Env env, Text text) {
    if (!text.isTrue()) {
      return text;
    }
    int first = text.offset(1);
    TextBuilder out = new TextBuilder(env.budget());
    out.append(text.sub(0, first).map(env, s -> s.toUpperCase(Locale.ROOT)));
    return out.append(text.sub(first).map(env, s -> s.toLowerCase(Locale.ROOT))).toText();
  }

  private static Text title(Env env, Text text) {
    boolean[] inWord = {false};
    return text.map(env, part -> title(part, inWord));
  }

  private static String title(String part, boolean[] inWord) {
    StringBuilder out = new StringBuilder(part.length());
    for (int i = 0; i < part.length(); i += Character.charCount(part.codePointAt(i))) {
      String c = Character.toString(part.codePointAt(i));
      out.append(inWord[0] ? c.toLowerCase(Locale.ROOT) : c.toUpperCase(Locale.ROOT));
      inWord[0] = isCased(part.codePointAt(i));
    }
    return out.toString();
  }

  private static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  private static String swapCase(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .mapToObj(Character::toString)
        .forEach(
            c ->
                out.append(
                    isCase(c, true) ? c.toLowerCase(Locale.ROOT) : c.toUpperCase(Locale.ROOT)));
    return out.toString();
  }

  private static Value replace(Env env, Text text, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("replace", 2, "old", "new", "count");
    return replace(env, text, bound.text(0), bound.text(1), bound.integer(2, -1));
  }

  /** Returns a text with the first so many places replaced, or all if the count is negative. */
  static Text replace(Env env, Text text, Text old, Text replacement, int count) {
    String chars = text.chars();
    String sought = old.chars();
    TextBuilder out = new TextBuilder(env.budget());
    int done = 0;
    int left = count < 0 ? Integer.MAX_VALUE : count;
    for (int at = chars.indexOf(sought); left > 0 && at >= 0; left--) {
      env.budget().step();
      out.append(text.sub(done, at)).append(replacement);
      done = at + sought.length();
      if (sought.isEmpty()) {
        at = at < chars.length() ? chars.offsetByCodePoints(at, 1) : -1;
      } else {
        at = chars.indexOf(sought, done);
      }
    }
    return out.append(text.sub(done)).toText();
  }

  private static Value join(Env env, Text separator, Arguments arguments) {
    TextBuilder out = new TextBuilder(env.budget());
    boolean first = true;
    for (Value item : arguments.bind("join", 1, "iterable").value(0).items(env)) {
      if (!(item instanceof Text text)) {
        throw JinjaException.runtime("join needs strings, not %s", item.typeName());
      }
      env.budget().step();
      out.append(first ? Text.EMPTY : separator).append(text);
      first = false;
    }
    return out.toText();
  }

  private static Text removePrefix(Text text, Text prefix) {
    boolean has = text.chars().startsWith(prefix.chars());
    return has ? text.sub(prefix.chars().length()) : text;
  }

  private static Text removeSuffix(Text text, Text suffix) {
    boolean has = text.chars().endsWith(suffix.chars());
    return has ? text.sub(0, text.chars().length() - suffix.chars().length()) : text;
  }

  private static Value zfill(Env env, Text text, Arguments arguments) {
    int missing = arguments.bind("zfill", 1, "width").integer(0, 0) - text.length();
    int sign = text.chars().startsWith("-") || text.chars().startsWith("+") ? 1 : 0;
    TextBuilder out = new TextBuilder(env.budget());
    return out.append(text.sub(0, sign)).repeat("0", missing).append(text.sub(sign)).toText();
  }

  private static Text justify(Env env, Text text, String name, Arguments arguments) {
    Arguments.Bound bound = arguments.bind(name, 1, "width", "fillchar");
    Text fill = bound.has(1) ? bound.text(1) : BLANK;
    if (fill.length() != 1) {
      throw JinjaException.runtime("the fill character must be exactly one character long");
    }
    return justify(env, text, name, bound.integer(0, 0), fill);
  }

  static Text justify(Env env, Text text, String name, int width, Text fill) {
    int missing = Math.max(0, width - text.length());
    int left =
        switch (name) {
          case "ljust" -> 0;
          case "rjust" -> missing;
          default -> missing / 2 + (missing & width & 1);
        };
    TextBuilder out = new TextBuilder(env.budget());
    return out.repeat(fill, left).append(text).repeat(fill, missing - left).toText();
  }
}
