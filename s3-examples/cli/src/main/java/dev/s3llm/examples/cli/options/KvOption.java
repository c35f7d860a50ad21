package dev.s3llm.examples.cli.options;

import dev.s3llm.model.KvPrecision;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How a command's model stores its keys and values. */
public final class KvOption {
  @Option(
      names = "--kv",
      paramLabel = "TYPE",
      converter = Converter.class,
      description =
          "how keys and values are stored: full (16 bits on a GPU, 32 on a CPU) or int8 (default:"
              + " ${DEFAULT-VALUE})",
      defaultValue = "full")
  private KvPrecision precision = KvPrecision.FULL;

  /** Created by a command; picocli sets the field. */
  public KvOption() {}

  /** Returns how keys and values are stored. */
  public KvPrecision precision() {
    return precision;
  }

  /** Parses the value of the option. */
  static final class Converter implements ITypeConverter<KvPrecision> {
    @Override
    public KvPrecision convert(String value) {
      return switch (value) {
        case "full" -> KvPrecision.FULL;
        case "int8" -> KvPrecision.INT8;
        default ->
            throw new TypeConversionException(
                "'" + value + "' is no type of KV; write full or int8");
      };
    }
  }
}
