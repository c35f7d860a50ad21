package dev.s3llm.examples.speech.cli;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A number of bytes, such as {@code 1048576}, {@code 64MiB}, {@code 64m} (the same) or {@code
 * 1.5GB}.
 *
 * @param bytes the number, at least 1
 */
record ByteSize(long bytes) {
  private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([kmg]?i?b?)");
  private static final Map<Character, Integer> POWERS = Map.of('k', 1, 'm', 2, 'g', 3);

  /** Parses the value of an option. */
  static final class Converter implements ITypeConverter<ByteSize> {
    @Override
    public ByteSize convert(String value) {
      Matcher matcher = FORM.matcher(value.toLowerCase(Locale.ROOT));
      double bytes = matcher.matches() ? bytes(matcher.group(1), matcher.group(2)) : 0;
      if (!(bytes >= 1 && bytes <= Long.MAX_VALUE / 2.0)) {
        throw new TypeConversionException(
            "'" + value + "' is no size; write for example 1048576, 64MiB or 1.5GB");
      }
      return new ByteSize((long) bytes);
    }

    private static double bytes(String number, String unit) {
      Integer power = unit.isEmpty() ? null : POWERS.get(unit.charAt(0));
      if (power == null) {
        return unit.isEmpty() || unit.equals("b") ? Double.parseDouble(number) : Double.NaN;
      }
      boolean binary = unit.endsWith("ib") || unit.length() == 1; // 64m as for the JVM's -Xmx
      boolean decimal = unit.length() == 2 && unit.endsWith("b");
      return binary || decimal
          ? Double.parseDouble(number) * Math.pow(binary ? 1024 : 1000, power)
          : Double.NaN;
    }
  }
}
