package dev.s3llm.examples.cli.options;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A number of bytes, such as {@code 1048576}, {@code 64MiB} or {@code 1.5GB}.
 *
 * @param bytes the number, at least 1
 */
public record ByteSize(long bytes) {
  private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([a-z]*)");
  private static final Map<String, Long> UNITS =
      Map.of(
          "",
          1L,
          "b",
          1L,
          "kb",
          1_000L,
          "mb",
          1_000_000L,
          "gb",
          1_000_000_000L,
          "kib",
          1L << 10,
          "mib",
          1L << 20,
          "gib",
          1L << 30);

  /** Parses the value of an option. */
  public static final class Converter implements ITypeConverter<ByteSize> {
    /** Created by picocli. */
    public Converter() {}

    @Override
    public ByteSize convert(String value) {
      Matcher matcher = FORM.matcher(value.toLowerCase(Locale.ROOT));
      Long unit = matcher.matches() ? UNITS.get(matcher.group(2)) : null;
      double bytes = unit == null ? 0 : Double.parseDouble(matcher.group(1)) * unit;
      if (bytes < 1 || bytes > Long.MAX_VALUE / 2.0) {
        throw new TypeConversionException(
            "'" + value + "' is no size; write for example 1048576, 64MiB or 1.5GB");
      }
      return new ByteSize((long) bytes);
    }
  }
}
