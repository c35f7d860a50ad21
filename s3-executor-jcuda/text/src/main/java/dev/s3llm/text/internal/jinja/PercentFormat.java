package dev.s3llm.text.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@code 'text' % values}: the conversions s, r, d, i, u, f, x, o and c, with flags and widths. */
final class PercentFormat {
  private static final int MAX_PRECISION = 400;

  private final Env env;
  private final Text format;
  private final Value values;
  private final List<Value> positional;
  private final TextBuilder out;
  private int next;
  private int at;

  private PercentFormat(Env env, Text format, Value values) {
    this.env = env;
    this.format = format;
    this.values = values;
    this.positional =
        values instanceof Sequence s && s.kind().sliced() == Sequence.Kind.TUPLE
            ? s.view()
            : List.of(values);
    this.out = new TextBuilder(env.budget());
  }

  static Text format(Env env, Text format, Value values) {
    return new PercentFormat(env, format, values).run().asSafe(format.isSafe());
  }

  private Text run() {
    String chars = format.chars();
    while (at < chars.length()) {
      int percent = chars.indexOf('%', at);
      int end = percent < 0 ? chars.length() : percent;
      out.append(format.sub(at, end));
      at = percent < 0 ? end : percent + 1;
      if (percent >= 0) {
        convert();
      }
    }
    boolean open = // Python lets what has items go unused, but for tuples and texts
        values instanceof Dict
            || values instanceof Undefined
            || (values instanceof Sequence s && s.kind() == Sequence.Kind.LIST);
    if (next < positional.size() && !open) {
      throw JinjaException.runtime("not all arguments converted during string formatting");
    }
    return out.toText();
  }

  private char peek() {
    if (at >= format.chars().length()) {
      throw JinjaException.runtime("incomplete format");
    }
    return format.chars().charAt(at);
  }

  private void convert() {
    Value keyed = peek() == '(' ? keyed() : null;
    int flagsStart = at;
    while ("-+ 0#".indexOf(peek()) >= 0) {
      at++;
    }
    String flags = format.chars().substring(flagsStart, at);
    int width = number();
    int precision = -1;
    if (peek() == '.') {
      at++;
      precision = number();
    }
    char type = peek();
    at++;
    if (type == '%') {
      out.append("%");
      return;
    }
    Text text = converted(type, keyed == null ? argument() : keyed, precision, flags);
    pad(text, width, flags, type != 's' && type != 'r' && type != 'c');
  }

  private Value keyed() {
    int end = format.chars().indexOf(')', at);
    if (end < 0 || !(values instanceof Dict dict)) {
      throw JinjaException.runtime("format requires a mapping");
    }
    Value value = dict.get(format.sub(at + 1, end));
    if (value == null) {
      throw JinjaException.runtime("no key '%s'", format.sub(at + 1, end).chars());
    }
    at = end + 1;
    return value;
  }

  private int number() {
    int number = 0;
    while (Character.isDigit(peek()) && number < 100_000_000) {
      number = number * 10 + Character.digit(peek(), 10);
      at++;
    }
    return number;
  }

  private Value argument() {
    if (next >= positional.size()) {
      throw JinjaException.runtime("not enough arguments for format string");
    }
    return positional.get(next++);
  }

  private Text converted(char type, Value value, int precision, String flags) {
    return switch (type) {
      case 's' -> cut(Repr.text(env, value), precision);
      case 'r' -> cut(Repr.repr(env, value), precision);
      case 'c' ->
          value instanceof Text letter ? letter : character(new Int(integer(value)).clamped());
      case 'd', 'i', 'u' -> signed(integer(value).toString(), flags);
      case 'x', 'o' -> signed(integer(value).toString(type == 'x' ? 16 : 8), flags);
      case 'X' -> signed(integer(value).toString(16).toUpperCase(Locale.ROOT), flags);
      case 'f', 'F' -> signed(fixed(value, precision), flags);
      default -> throw JinjaException.runtime("the format character '%s' is not supported", type);
    };
  }

  private static Text character(int code) {
    if (!Character.isValidCodePoint(code)) {
      throw JinjaException.runtime("%%c arg not in range(0x110000)");
    }
    return Text.of(Character.toString(code));
  }

  private Text cut(Text text, int precision) {
    Text escaped = format.isSafe() ? TextFilters.escape(env, text) : text;
    return precision < 0 || precision >= escaped.length()
        ? escaped
        : escaped.sub(0, escaped.offset(precision));
  }

  private static BigInteger integer(Value value) {
    BigInteger integer = Numbers.integer(value);
    Int truncated = value instanceof Real real ? NumberParser.truncated(real.value()) : null;
    if (integer == null && truncated == null) {
      throw required(value);
    }
    return truncated == null ? Objects.requireNonNull(integer) : truncated.value();
  }

  private static JinjaException required(@Nullable Value value) {
    return value instanceof Undefined undefined
        ? undefined.failure()
        : JinjaException.runtime(
            "a number is required, not %s", value == null ? "nothing" : value.typeName());
  }

  private static String fixed(Value value, int precision) {
    if (!Numbers.isNumber(value)) {
      throw required(value);
    }
    if (precision > MAX_PRECISION) {
      throw JinjaException.limit("a format has more than %d decimals".formatted(MAX_PRECISION));
    }
    double number = Numbers.real(value);
    return Double.isFinite(number)
        ? new BigDecimal(number)
            .setScale(precision < 0 ? 6 : precision, RoundingMode.HALF_EVEN)
            .toPlainString()
        : Python.repr(number);
  }

  private static Text signed(String number, String flags) {
    String sign = flags.contains("+") ? "+" : flags.contains(" ") ? " " : "";
    return Text.of(number.startsWith("-") ? number : sign + number);
  }

  private void pad(Text text, int width, String flags, boolean number) {
    int missing = Math.max(0, width - text.length());
    if (flags.contains("-")) {
      out.append(text).repeat(" ", missing);
    } else if (number && flags.contains("0")) {
      int sign = !text.isTrue() || Character.isLetterOrDigit(text.chars().charAt(0)) ? 0 : 1;
      out.append(text.sub(0, sign)).repeat("0", missing).append(text.sub(sign));
    } else {
      out.repeat(" ", missing).append(text);
    }
  }
}
