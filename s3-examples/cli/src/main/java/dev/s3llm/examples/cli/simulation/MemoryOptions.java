package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.CostModel.ModelShape;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The simulated memory, and the formats of what lies in it. */
public final class MemoryOptions {
  private static final double BYTES_PER_GB = 1e9;

  @Option(
      names = "--kv-gb",
      paramLabel = "GB",
      description = "Memory for keys and values, in units of 1e9 bytes.")
  private @Nullable Double kvGb;

  @Option(
      names = "--card-gb",
      paramLabel = "GB",
      description =
          "In place of --kv-gb: memory for weights, keys and values, in units of 1e9 bytes.")
  private @Nullable Double cardGb;

  @Option(
      names = "--weights",
      defaultValue = "FP16",
      description =
          "Format of the weights: ${COMPLETION-CANDIDATES}. INT8 and INT4 have a scale for 128 weights.")
  private WeightFormat weights = WeightFormat.FP16;

  @Option(
      names = "--kv",
      defaultValue = "FP16",
      description =
          "Format of keys and values: ${COMPLETION-CANDIDATES}. INT8 has a scale for each token and head of 128.")
  private KvFormat kv = KvFormat.FP16;

  /** Created by a command; picocli sets the fields. */
  public MemoryOptions() {}

  /** The format of the weights. */
  enum WeightFormat {
    /** Half precision. */
    FP16(16),
    /** Floats of 8 bits. */
    FP8(8),
    /** Integers of 8 bits in groups of 128 with a scale of 16 bits. */
    INT8(8 + 16 / 128.0),
    /** Integers of 4 bits in groups of 128 with a scale of 16 bits. */
    INT4(4 + 16 / 128.0);

    private final double bits;

    WeightFormat(double bits) {
      this.bits = bits;
    }
  }

  /** The format of keys and values. */
  enum KvFormat {
    /** Half precision. */
    FP16(1),
    /** Integers of 8 bits, 128 of them with a scale of 16 bits. */
    INT8((8 + 16 / 128.0) / 16);

    private final double share;

    KvFormat(double share) {
      this.share = share;
    }
  }

  /** Returns the model in the formats; a model in fp16 as it is. */
  ModelShape shape(ModelShape model) {
    double bytes = weights == WeightFormat.FP16 ? model.bytesPerWeight() : weights.bits / Byte.SIZE;
    return model.withFormats(bytes, kv.share);
  }

  /** Returns the name of the option that gives the memory. */
  String name() {
    return cardGb == null ? "--kv-gb" : "--card-gb";
  }

  /**
   * Returns the memory for keys and values, in units of 1e9 bytes.
   *
   * @param model the model in the formats
   * @throws UsageException if not exactly one option gives the memory, or a card has no room beside
   *     the weights
   */
  double kvGb(ModelShape model) {
    if (cardGb == null) {
      if (kvGb == null) {
        throw new UsageException("one of --kv-gb and --card-gb is needed");
      }
      return kvGb;
    }
    if (kvGb != null) {
      throw new UsageException("--kv-gb and --card-gb exclude each other");
    }
    double weightsGb = model.weightBytes() / BYTES_PER_GB;
    if (!(cardGb > weightsGb)) {
      throw new UsageException(
          "--card-gb %s: the weights alone take %.1f GB; see --weights"
              .formatted(cardGb, weightsGb));
    }
    return cardGb - weightsGb;
  }
}
