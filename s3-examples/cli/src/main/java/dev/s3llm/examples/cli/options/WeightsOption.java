package dev.s3llm.examples.cli.options;

import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.WeightFormat;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How a command's model keeps its matrices in memory, and how their products read their input. */
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

  @Option(
      names = "--activations",
      paramLabel = "FORMAT",
      converter = ActivationsConverter.class,
      description =
          "how products read their input: stored (in fp8 where the files say so), wide (never in"
              + " fp8), or fp8 for all fp8 weights (default: stored)",
      defaultValue = "stored")
  private ActivationFormat activations = ActivationFormat.STORED;

  /** Created by a command; picocli sets the fields. */
  public WeightsOption() {}

  /** Returns how matrices are kept. */
  public WeightFormat format() {
    return format;
  }

  /** Returns how products read their input. */
  public ActivationFormat activations() {
    return activations;
  }

  /** Parses the value of {@code --weights}. */
  static final class Converter implements ITypeConverter<WeightFormat> {
    @Override
    public WeightFormat convert(String value) {
      return named(WeightFormat.values(), value, "weights");
    }
  }

  /** Parses the value of {@code --activations}. */
  static final class ActivationsConverter implements ITypeConverter<ActivationFormat> {
    @Override
    public ActivationFormat convert(String value) {
      return named(ActivationFormat.values(), value, "activations");
    }
  }

  private static <E extends Enum<E>> E named(E[] formats, String value, String what) {
    for (E format : formats) {
      if (format.name().equalsIgnoreCase(value)) {
        return format;
      }
    }
    String known =
        Arrays.stream(formats)
            .map(format -> format.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", "));
    throw new TypeConversionException(
        "'%s' is no format of %s; write one of %s".formatted(value, what, known));
  }
}
