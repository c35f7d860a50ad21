package dev.s3llm.text.internal.jinja;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The filters of texts; other values are written as text first. */
final class TextFilters {
  private TextFilters() {}

  static void addTo(Map<String, Filter> filters) {
    filters.put("upper", (env, v, args) -> text(env, v).map(env, s -> s.toUpperCase(Locale.ROOT)));
    filters.put("lower", (env, v, args) -> text(env, v).map(env, s -> s.toLowerCase(Locale.ROOT)));
    filters.put("capitalize", (env, v, args) -> TextMethods.capitalize(env, text(env, v)));
    filters.put("title", (env, v, args) -> title(env, text(env, v)));
    filters.put("trim", TextFilters::trim);
    filters.put("replace", TextFilters::replace);
    filters.put("escape", (env, v, args) -> escape(env, text(env, v)));
    filters.put("e", (env, v, args) -> escape(env, text(env, v)));
    filters.put("forceescape", (env, v, args) -> escape(env, text(env, v).asSafe(false)));
    filters.put("format", TextFilters::format);
    filters.put("indent", TextFilters::indent);
    filters.put("center", TextFilters::center);
    filters.put("truncate", TextFilters::truncate);
    filters.put("wordcount", (env, v, args) -> wordCount(text(env, v)));
    filters.put("urlencode", TextFilters::urlEncode);
  }

  private static Text text(Env env, Value value) {
    return Repr.text(env, value);
  }

  private static Value trim(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("trim", 0, "chars");
    String characters = bound.has(0) ? bound.text(0).chars() : null;
    return TextMethods.strip(text(env, value), characters, true, true);
  }

  private static Value replace(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("replace", 2, "old", "new", "count");
    int count = bound.has(2) ? bound.integer(2, -1) : -1;
    return TextMethods.replace(
        env, text(env, value), text(env, bound.value(0)), text(env, bound.value(1)), count);
  }

  /** Returns a text with the characters that HTML gives a meaning replaced, once. */
  static Text escape(Env env, Text text) {
    return text.isSafe() ? text : text.map(env, TextFilters::escaped).asSafe(true);
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }

  /**
   * Makes the first character of each word upper case, where blanks, - and brackets start words.
   */
  private static Text title(Env env, Text text) {
    boolean[] inWord = {false};
    return text.map(
        env,
        part -> {
          StringBuilder out = new StringBuilder(part.length());
          part.codePoints()
              .forEach(
                  c -> {
                    String letter = Character.toString(c);
                    out.append(
                        inWord[0]
                            ? letter.toLowerCase(Locale.ROOT)
                            : letter.toUpperCase(Locale.ROOT));
                    inWord[0] = "-({[<".indexOf(c) < 0 && !Python.isSpace(c);
                  });
          return out.toString();
        });
  }

  private static Value format(Env env, Value value, Arguments arguments) {
    if (!arguments.positional().isEmpty() && !arguments.named().isEmpty()) {
      throw JinjaException.runtime("format takes positional or named arguments, not both");
    }
    if (arguments.named().isEmpty()) {
      Sequence tuple = Sequence.of(Sequence.Kind.TUPLE, arguments.positional());
      return PercentFormat.format(env, text(env, value), tuple);
    }
    Dict dict = new Dict();
    arguments.named().forEach((name, argument) -> dict.put(Text.of(name), argument));
    return PercentFormat.format(env, text(env, value), dict);
  }

  private static Value indent(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("indent", 0, "width", "first", "blank");
    if (!(value instanceof Text text)) {
      throw Operators.unsupported("+=", value, Text.EMPTY);
    }
    TextBuilder indentation = new TextBuilder(env.budget());
    if (bound.get(0) instanceof Text given) {
      indentation.append(given);
    } else {
      indentation.repeat(" ", bound.integer(0, 4));
    }
    Text indent = indentation.toText();
    TextBuilder out = new TextBuilder(env.budget()).append(bound.flag(1) ? indent : Text.EMPTY);
    List<Text> lines = Splits.lines(env, (Text) Operators.add(env, text, Text.of("\n")), false);
    for (int i = 0; i < lines.size(); i++) {
      Text line = lines.get(i);
      boolean indented = i > 0 && (bound.flag(2) || line.isTrue());
      out.append(i == 0 ? "" : "\n").append(indented ? indent : Text.EMPTY).append(line);
    }
    return out.toText();
  }

  private static Value center(Env env, Value value, Arguments arguments) {
    int width = arguments.bind("center", 0, "width").integer(0, 80);
    return TextMethods.justify(env, text(env, value), "center", width, TextMethods.BLANK);
  }

  private static Value truncate(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("truncate", 0, "length", "killwords", "end", "leeway");
    int length = bound.integer(0, 255);
    Text end = bound.has(2) ? bound.text(2) : Text.of("...");
    int leeway = bound.has(3) ? bound.integer(3, 5) : 5;
    if (length < end.length() || leeway < 0) {
      throw JinjaException.runtime("expected a length of %d at least", end.length());
    }
    if (value.length() >= 0 && value.length() <= (long) length + leeway) {
      return value;
    }
    if (!(value instanceof Text text)) {
      throw JinjaException.runtime("object of type '%s' cannot be truncated", value.typeName());
    }
    Text start = text.sub(0, text.offset(length - end.length()));
    int blank = bound.flag(1) ? -1 : start.chars().lastIndexOf(' ');
    start = blank < 0 ? start : start.sub(0, blank);
    return new TextBuilder(env.budget()).append(start).append(end).toText();
  }

  private static Value wordCount(Text text) {
    int count = 0;
    boolean inWord = false;
    for (int i = 0; i < text.chars().length(); ) {
      int c = text.chars().codePointAt(i);
      boolean word = c == '_' || Character.isLetterOrDigit(c);
      count += word && !inWord ? 1 : 0;
      inWord = word;
      i += Character.charCount(c);
    }
    return Int.of(count);
  }

  private static Value urlEncode(Env env, Value value, Arguments arguments) {
    arguments.bind("urlencode", 0);
    if (value instanceof Dict || value instanceof Sequence) {
      throw JinjaException.runtime("urlencode of a %s is not supported", value.typeName());
    }
    return text(env, value).map(env, TextFilters::quoted);
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      boolean plain = b == '/' || "_.-~".indexOf(b) >= 0 || (b > 0 && Character.isLetterOrDigit(b));
      if (plain) {
        out.append((char) b);
      } else {
        out.append("%%%02X".formatted(b & 0xff));
      }
    }
    return out.toString();
  }
}
