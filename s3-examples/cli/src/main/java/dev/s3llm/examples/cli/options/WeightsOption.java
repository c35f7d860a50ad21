package dev.s3llm.examples.cli.options;

import dev.s3llm.model.WeightFormat;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How a command's model keeps its matrices in memory. */
public final class WeightsOption {
  @Option(
      names = {"--weights", "--quantize"},
      paramLabel = "FORMAT",
      converter = Converter.class,
      description =
          "how matrices are kept: stored (as in the files), wide (16 bits on a GPU, 32 on a CPU), or"
              + " rounded to int8, fp8 or int4 as they are read (default: stored)",
      defaultValue = "stored")
  private WeightFormat format = WeightFormat.STORED;

  /** Created by a command; picocli sets the field. */
  public WeightsOption() {}

  /** Returns how matrices are kept. */
  public WeightFormat format() {
    return format;
  }

  /** Parses the value of the option. */
  static final class Converter implements ITypeConverter<WeightFormat> {
    @Override
    public WeightFormat convert(String value) {
      for (WeightFormat format : WeightFormat.values()) {
        if (format.name().equalsIgnoreCase(value)) {
          return format;
        }
      }
      String known =
          Arrays.stream(WeightFormat.values())
              .map(format -> format.name().toLowerCase(Locale.ROOT))
              .collect(Collectors.joining(", "));
      throw new TypeConversionException(
          "'" + value + "' is no format of weights; write one of " + known);
    }
  }
}
