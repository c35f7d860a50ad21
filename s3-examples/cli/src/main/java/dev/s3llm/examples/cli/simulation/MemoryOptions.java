package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.options.KvOption;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.simulate.CostModel.ModelShape;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The simulated memory, and the formats of what lies in it. */
public final class MemoryOptions {
  /** The option that gives the memory of an engine. */
  static final String OF_ENGINE = "--kv-gb";

  private static final double BYTES_PER_GB = 1e9;

  /** Bytes of eight-bit keys and values with their scales over those of fp16, heads of 128. */
  private static final double CODED_KV = (128 + 4) / 256.0;

  @Option(
      names = OF_ENGINE,
      paramLabel = "GB",
      description = "Memory of an engine for keys and values, in units of 1e9 bytes.")
  private @Nullable Double kvGb;

  @Option(
      names = "--card-gb",
      paramLabel = "GB",
      description =
          "In place of --kv-gb: memory of a card for weights, keys and values, in units of 1e9"
              + " bytes.")
  private @Nullable Double cardGb;

  @Option(
      names = "--weights",
      defaultValue = "fp16",
      paramLabel = "FORMAT",
      converter = Converter.class,
      description =
          "Format of the weights: fp16, fp8, int8 or int4. All but fp16 have a scale for 128 weights.")
  private WeightFormat weights = WeightFormat.WIDE;

  @Mixin private KvOption kv = new KvOption();

  /** Created by a command; picocli sets the fields. */
  public MemoryOptions() {}

  /** Parses the value of {@code --weights}. */
  static final class Converter implements ITypeConverter<WeightFormat> {
    @Override
    public WeightFormat convert(String value) {
      return switch (value) {
        case "fp16" -> WeightFormat.WIDE;
        case "fp8" -> WeightFormat.FP8;
        case "int8" -> WeightFormat.INT8;
        case "int4" -> WeightFormat.INT4;
        default ->
            throw new TypeConversionException(
                "'" + value + "' is no format; write fp16, fp8, int8 or int4");
      };
    }
  }

  /** Returns the model in the formats; a model in fp16 as it is. */
  ModelShape shape(ModelShape model) {
    double bytes =
        weights
            .rounded()
            .map(format -> format.bitsPerElement() / Byte.SIZE)
            .orElse(model.bytesPerWeight());
    boolean coded = kv.precision() == KvPrecision.INT8;
    return model.withFormats(bytes, coded ? CODED_KV : 1);
  }

  /** Returns the name of the option that gives the memory. */
  String name() {
    return cardGb == null ? OF_ENGINE : "--card-gb";
  }

  /**
   * Returns whether the weights fit the cards of an engine.
   *
   * @param model the model in the formats
   * @param cards cards of an engine
   */
  boolean fits(ModelShape model, int cards) {
    return cardGb == null || cards * cardGb > weightsGb(model);
  }

  private static double weightsGb(ModelShape model) {
    return model.weightBytes() / BYTES_PER_GB;
  }

  /**
   * Returns the memory of an engine for keys and values, in units of 1e9 bytes.
   *
   * @param model the model in the formats
   * @param cards cards of an engine
   * @throws UsageException if not exactly one option gives the memory, or the cards have no room
   *     beside the weights
   */
  double kvGb(ModelShape model, int cards) {
    if (cardGb == null) {
      if (kvGb == null) {
        throw new UsageException("one of --kv-gb and --card-gb is needed");
      }
      return kvGb;
    }
    if (kvGb != null) {
      throw new UsageException("--kv-gb and --card-gb exclude each other");
    }
    if (!fits(model, cards)) {
      String number = cards == 1 ? "" : " on %d cards".formatted(cards);
      throw new UsageException(
          "--card-gb %s%s: the weights alone take %.1f GB; see --weights"
              .formatted(cardGb, number, weightsGb(model)));
    }
    return cards * cardGb - weightsGb(model);
  }
}
