package dev.s3llm.simulate;

import com.google.common.base.Preconditions;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.support.Settings;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A roofline model of the time of a step. A step reads the weights and the batch's keys and values
 * once, and computes two operations for each weight and new token; it takes the longer of the two
 * times. If reads of keys and values do not overlap with the products ({@link
 * GpuProfile#overlaps}), their time is added. The time of copies to and from host memory is always
 * added.
 *
 * <p>Several cards share every layer and count as one device of so many times their speed. After
 * the attention and after the feed-forward part of each layer they {@linkplain Exchange exchange}
 * what they have computed of the residual stream. Immutable and thread-safe.
 *
 * @param model the model
 * @param gpu the GPU that it runs on
 * @param cards how many of them run it together, at least 1
 */
public record CostModel(ModelShape model, GpuProfile gpu, int cards) {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final int EXCHANGES_PER_LAYER = 2;

  /** The parts of the stream are exchanged in single precision. */
  private static final int EXCHANGED_BYTES = 4;

  /**
   * Validates the parts.
   *
   * @throws NullPointerException if a part is null
   * @throws IllegalArgumentException if there is no card, or there are several and the model's
   *     layers are not known
   */
  public CostModel {
    Objects.requireNonNull(model, "model must not be null");
    Objects.requireNonNull(gpu, "gpu must not be null");
    Settings.requireAtLeast("cards", cards, 1);
    Preconditions.checkArgument(
        cards == 1 || model.layers() > 0,
        "cards is %s, but layers and hiddenSize of model %s are not known",
        cards,
        model.name());
  }

  /**
   * Creates the model of one card.
   *
   * @param model the model
   * @param gpu the GPU that it runs on
   * @throws NullPointerException if a part is null
   */
  public CostModel(ModelShape model, GpuProfile gpu) {
    this(model, gpu, 1);
  }

  /**
   * Returns the time of a step, in nanoseconds.
   *
   * @param newTokens tokens that the model processes, 0 or more; with 0 the step only copies
   * @param kvTokens tokens attended to, new ones included; 0 or more
   * @param copiedBytes bytes copied to or from host memory, 0 or more
   */
  public long stepNanos(long newTokens, long kvTokens, long copiedBytes) {
    double weights = model.weightBytes() / (cards * gpu.bytesPerSecond());
    double kv = (double) kvTokens * model.kvBytesPerToken() / (cards * gpu.bytesPerSecond());
    double compute = newTokens * secondsPerToken();
    double copies = copiedBytes / (cards * gpu.swapBytesPerSecond());
    double step =
        gpu.overlaps() ? Math.max(weights + kv, compute) : Math.max(weights, compute) + kv;
    double seconds = (newTokens == 0 ? 0 : step + exchangeSeconds(newTokens)) + copies;
    return gpu.overheadNanos() + Math.round(seconds * NANOS_PER_SECOND);
  }

  /**
   * Returns the time of a step, in nanoseconds.
   *
   * @param batch the batch of the step
   * @param bytesPerBlock size of a KV block in bytes, above 0
   */
  public long stepNanos(StepBatch batch, long bytesPerBlock) {
    long newTokens = 0;
    long kvTokens = 0;
    for (SequenceStep sequence : batch.sequences()) {
      newTokens += sequence.tokenCount();
      kvTokens += (long) sequence.startPosition() + sequence.tokenCount();
    }
    long copies = (long) batch.swapOuts().size() + batch.swapIns().size();
    return stepNanos(newTokens, kvTokens, copies * bytesPerBlock);
  }

  /**
   * Returns the costs of swapping and recomputing by this model.
   *
   * @param blockTokens token slots of a KV block, at least 1
   */
  public RecoveryCosts recoveryCosts(int blockTokens) {
    double blockBytes = (double) blockTokens * model.kvBytesPerToken();
    double swapSeconds = 2 * blockBytes / (cards * gpu.swapBytesPerSecond());
    double exchanged = exchangeSeconds(1) - exchangeSeconds(0); // in a chunk, without what is fixed
    return new RecoveryCosts(
        swapSeconds * NANOS_PER_SECOND, (secondsPerToken() + exchanged) * NANOS_PER_SECOND);
  }

  private double secondsPerToken() {
    return 2 * model.parameters() / (cards * gpu.flops());
  }

  /** Returns the seconds that the exchanges of a step take; 0 with one card. */
  private double exchangeSeconds(long newTokens) {
    if (cards == 1) {
      return 0;
    }
    double bytes = (double) EXCHANGED_BYTES * newTokens * model.hiddenSize();
    double moved = 2.0 * (cards - 1) / cards * bytes; // to and from each card
    double each =
        gpu.exchange().nanos() / NANOS_PER_SECOND + moved / gpu.exchange().bytesPerSecond();
    return EXCHANGES_PER_LAYER * model.layers() * each;
  }

  /**
   * The time in which cards add what each has computed of the same numbers: a fixed time, and the
   * bytes that each card moves at a rate. Of {@code n} cards each moves {@code 2 (n - 1) / n} times
   * the bytes of the result. Immutable.
   *
   * @param nanos nanoseconds of an exchange without bytes, 0 or more
   * @param bytesPerSecond bytes that each card moves per second, above 0
   */
  public record Exchange(long nanos, double bytesPerSecond) {
    /**
     * Two H200 over NVLink, fitted to the exchange of {@code JCudaExecutor}: 3.0 us for one row of
     * 6,656 numbers of 32 bits, 19.5 us for 256 (docs/gpu.md); off by at most 4 %.
     */
    public static final Exchange H200 = new Exchange(2_900, 407e9);

    /**
     * The same with what the products lose when each card has half of them, fitted to steps of
     * llama-13b on two H200 (docs/lab.md); off by at most 2 % of a step.
     */
    static final Exchange H200_STEPS = new Exchange(9_300, 112e9);

    /**
     * Validates the numbers.
     *
     * @throws IllegalArgumentException if the time is negative, or the rate is not positive
     */
    public Exchange {
      Settings.requireAtLeast("exchange.nanos", nanos, 0);
      GpuProfile.requirePositive("exchange.bytesPerSecond", bytesPerSecond);
    }
  }

  /**
   * The sustained speed of a GPU. The presets are rounded sustained values, not the peaks of data
   * sheets; {@code h200-s3} is fitted to measured steps of {@code JCudaExecutor} on an H200
   * (docs/gpu.md). Immutable.
   *
   * @param name name for tables
   * @param bytesPerSecond bytes read from device memory per second, above 0
   * @param flops fp16 operations per second, above 0
   * @param overheadNanos nanoseconds added to each step for launches, sampling and host work; 0 or
   *     more
   * @param swapBytesPerSecond bytes copied between device and host memory per second, in one
   *     direction; above 0
   * @param overlaps whether all reads run at the same time as the arithmetic. If false, keys and
   *     values are read after the products, because attention is a kernel of its own
   * @param exchange how fast several of them exchange numbers; that of {@link Exchange#H200} for
   *     the presets but {@code h200-s3}, whose exchange is fitted to measured steps, too
   */
  public record GpuProfile(
      String name,
      double bytesPerSecond,
      double flops,
      long overheadNanos,
      double swapBytesPerSecond,
      boolean overlaps,
      Exchange exchange) {

    private static final Map<String, GpuProfile> PRESETS =
        Map.of(
            "h200", new GpuProfile("h200", 3.655e12, 600e12, 200_000, 55e9, true),
            "h200-s3",
                new GpuProfile(
                    "h200-s3", 3.775e12, 400e12, 500_000, 55e9, false, Exchange.H200_STEPS),
            "a100-80gb", new GpuProfile("a100-80gb", 1.7e12, 250e12, 200_000, 20e9, true));

    /**
     * Validates the rates.
     *
     * @throws IllegalArgumentException if a rate is not positive or not finite, or the overhead is
     *     negative
     */
    public GpuProfile {
      requirePositive("bytesPerSecond", bytesPerSecond);
      requirePositive("flops", flops);
      requirePositive("swapBytesPerSecond", swapBytesPerSecond);
      Settings.requireAtLeast("overheadNanos", overheadNanos, 0);
      Objects.requireNonNull(exchange, "exchange must not be null");
    }

    /**
     * Creates a GPU that exchanges numbers as fast as an H200.
     *
     * @param name name for tables
     * @param bytesPerSecond bytes read from device memory per second, above 0
     * @param flops fp16 operations per second, above 0
     * @param overheadNanos nanoseconds added to each step, 0 or more
     * @param swapBytesPerSecond bytes copied between device and host memory per second, above 0
     * @param overlaps whether all reads run at the same time as the arithmetic
     * @throws IllegalArgumentException if a rate is not positive or not finite, or the overhead is
     *     negative
     */
    public GpuProfile(
        String name,
        double bytesPerSecond,
        double flops,
        long overheadNanos,
        double swapBytesPerSecond,
        boolean overlaps) {
      this(name, bytesPerSecond, flops, overheadNanos, swapBytesPerSecond, overlaps, Exchange.H200);
    }

    /**
     * Returns the preset of a GPU: {@code h200}, {@code h200-s3} or {@code a100-80gb}. Empty if
     * there is no such preset.
     *
     * @param name name of the preset; upper and lower case are the same
     */
    public static Optional<GpuProfile> named(String name) {
      return Optional.ofNullable(PRESETS.get(name.toLowerCase(Locale.ROOT)));
    }

    /** Returns the names of the presets. */
    public static Set<String> names() {
      return PRESETS.keySet();
    }

    static void requirePositive(String name, double value) {
      Preconditions.checkArgument(
          value > 0 && value < Double.POSITIVE_INFINITY,
          "%s must be positive and finite, but is %s",
          name,
          value);
    }
  }

  /**
   * The size of a model. Immutable.
   *
   * @param name name for tables
   * @param parameters number of weights, above 0
   * @param bytesPerWeight bytes of a weight with its share of scales, above 0; 2 for fp16
   * @param kvBytesPerToken size of the keys and values of one token over all layers in bytes, at
   *     least 1; over all cards too, where they repeat heads
   * @param layers number of layers; 0 if not known
   * @param hiddenSize width of the residual stream; 0 if the layers are not known
   */
  public record ModelShape(
      String name,
      double parameters,
      double bytesPerWeight,
      long kvBytesPerToken,
      int layers,
      int hiddenSize) {
    private static final int FP16_BYTES = 2;

    private static final Map<String, ModelShape> PRESETS =
        Map.of(
            "gpt-j-6b", ofLayers("gpt-j-6b", 6.05e9, 28, 4096),
            "llama-13b", ofLayers("llama-13b", 13.0e9, 40, 5120),
            "llama-33b", ofLayers("llama-33b", 32.5e9, 60, 6656),
            "llama-70b", ofLayers("llama-70b", 69.0e9, 80, 8192, 8 * 128));

    /**
     * Validates the sizes.
     *
     * @throws IllegalArgumentException if a size is not positive or not finite
     */
    public ModelShape {
      GpuProfile.requirePositive("parameters", parameters);
      GpuProfile.requirePositive("bytesPerWeight", bytesPerWeight);
      Settings.requireAtLeast("kvBytesPerToken", kvBytesPerToken, 1);
      Settings.requireAtLeast("layers", layers, 0);
      Settings.requireAtLeast("hiddenSize", hiddenSize, layers == 0 ? 0 : 1);
    }

    /**
     * Creates a model whose layers are not known, for one card.
     *
     * @param name name for tables
     * @param parameters number of weights, above 0
     * @param bytesPerWeight bytes of a weight with its share of scales, above 0
     * @param kvBytesPerToken size of the keys and values of one token over all layers in bytes, at
     *     least 1
     * @throws IllegalArgumentException if a size is not positive or not finite
     */
    public ModelShape(String name, double parameters, double bytesPerWeight, long kvBytesPerToken) {
      this(name, parameters, bytesPerWeight, kvBytesPerToken, 0, 0);
    }

    /**
     * Creates a model whose weights are in fp16 and whose layers are not known, for one card.
     *
     * @param name name for tables
     * @param parameters number of weights, above 0
     * @param kvBytesPerToken size of the keys and values of one token over all layers in bytes, at
     *     least 1
     * @throws IllegalArgumentException if a size is not positive or not finite
     */
    public ModelShape(String name, double parameters, long kvBytesPerToken) {
      this(name, parameters, FP16_BYTES, kvBytesPerToken);
    }

    /**
     * Returns this model with other formats of its weights and of its keys and values.
     *
     * @param bytesPerWeight bytes of a weight with its share of scales, above 0
     * @param kvShare size of keys and values as a share of what they take now, above 0
     * @throws IllegalArgumentException if a number is not positive or not finite
     */
    public ModelShape withFormats(double bytesPerWeight, double kvShare) {
      GpuProfile.requirePositive("kvShare", kvShare);
      long kvBytes = Math.max(1, Math.round(kvBytesPerToken * kvShare));
      return new ModelShape(name, parameters, bytesPerWeight, kvBytes, layers, hiddenSize);
    }

    /**
     * Returns the preset of a model: {@code gpt-j-6b}, {@code llama-13b}, {@code llama-33b} or
     * {@code llama-70b}, which has 8 key heads for 64 query heads. Empty if there is no such
     * preset.
     *
     * @param name name of the preset; upper and lower case are the same
     */
    public static Optional<ModelShape> named(String name) {
      return Optional.ofNullable(PRESETS.get(name.toLowerCase(Locale.ROOT)));
    }

    /** Returns the names of the presets. */
    public static Set<String> names() {
      return PRESETS.keySet();
    }

    /** Returns the size of the weights, in bytes. */
    public double weightBytes() {
      return bytesPerWeight * parameters;
    }

    /** Returns the shape of a model whose keys and values are as wide as its hidden state. */
    private static ModelShape ofLayers(String name, double parameters, int layers, int hidden) {
      return ofLayers(name, parameters, layers, hidden, hidden);
    }

    private static ModelShape ofLayers(
        String name, double parameters, int layers, int hidden, int kvWidth) {
      long kvBytes = 2L * FP16_BYTES * layers * kvWidth;
      return new ModelShape(name, parameters, FP16_BYTES, kvBytes, layers, hidden);
    }
  }
}
