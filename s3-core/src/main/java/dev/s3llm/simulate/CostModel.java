package dev.s3llm.simulate;

import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How long a step takes: a roofline. The model reads its weights and the batch's keys and values
 * once, or computes two operations for each weight and new token, whichever takes longer; where
 * nothing overlaps, the keys and values come after that. Copies to and from host memory come
 * before.
 *
 * @param model the model
 * @param gpu what it runs on
 */
public record CostModel(ModelShape model, GpuProfile gpu) {
  private static final double NANOS_PER_SECOND = 1e9;

  /**
   * Nanoseconds that a step takes.
   *
   * @param newTokens tokens that the model processes; none means that only copies are due
   * @param kvTokens tokens attended to, the new ones included
   * @param copiedBytes bytes copied to or from host memory
   */
  public long stepNanos(long newTokens, long kvTokens, long copiedBytes) {
    double weights = model.weightBytes() / gpu.bytesPerSecond();
    double kv = (double) kvTokens * model.kvBytesPerToken() / gpu.bytesPerSecond();
    double compute = newTokens * secondsPerToken();
    double copies = copiedBytes / gpu.swapBytesPerSecond();
    double step =
        gpu.overlaps() ? Math.max(weights + kv, compute) : Math.max(weights, compute) + kv;
    double seconds = (newTokens == 0 ? 0 : step) + copies;
    return gpu.overheadNanos() + Math.round(seconds * NANOS_PER_SECOND);
  }

  /** Nanoseconds that this batch takes with KV blocks of the given size. */
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

  /** What bringing a preempted sequence back costs by this model. */
  public RecoveryCosts recoveryCosts(int blockTokens) {
    double blockBytes = (double) blockTokens * model.kvBytesPerToken();
    double swapSeconds = 2 * blockBytes / gpu.swapBytesPerSecond();
    return new RecoveryCosts(swapSeconds * NANOS_PER_SECOND, secondsPerToken() * NANOS_PER_SECOND);
  }

  private double secondsPerToken() {
    return 2 * model.parameters() / gpu.flops();
  }

  /**
   * What a GPU sustains. The presets are rounded sustained values, not data sheet peaks; {@code
   * h200-s3} is fitted to steps that {@code JCudaExecutor} took on an H200 (docs/gpu.md).
   *
   * @param name for tables
   * @param bytesPerSecond reads of device memory
   * @param flops fp16 operations per second
   * @param overheadNanos added to each step: launches, sampling, the host
   * @param swapBytesPerSecond copies between device and host memory, one way
   * @param overlaps whether all reads run beside all arithmetic, as in a roofline of the whole
   *     step; else keys and values are read after the products, as where each is a kernel of its
   *     own
   */
  public record GpuProfile(
      String name,
      double bytesPerSecond,
      double flops,
      long overheadNanos,
      double swapBytesPerSecond,
      boolean overlaps) {

    private static final Map<String, GpuProfile> PRESETS =
        Map.of(
            "h200", new GpuProfile("h200", 3.655e12, 600e12, 200_000, 55e9, true),
            "h200-s3", new GpuProfile("h200-s3", 3.775e12, 400e12, 500_000, 55e9, false),
            "a100-80gb", new GpuProfile("a100-80gb", 1.7e12, 250e12, 200_000, 20e9, true));

    /** Validates that the rates are positive and finite. */
    public GpuProfile {
      requirePositive("bytesPerSecond", bytesPerSecond);
      requirePositive("flops", flops);
      requirePositive("swapBytesPerSecond", swapBytesPerSecond);
      if (overheadNanos < 0) {
        throw new IllegalArgumentException(
            "overheadNanos must be at least 0, but is " + overheadNanos);
      }
    }

    /** A GPU known by name: {@code h200}, {@code h200-s3} or {@code a100-80gb}. */
    public static Optional<GpuProfile> named(String name) {
      return Optional.ofNullable(PRESETS.get(name.toLowerCase(Locale.ROOT)));
    }

    /** The names that {@link #named} knows. */
    public static Set<String> names() {
      return PRESETS.keySet();
    }

    static void requirePositive(String name, double value) {
      if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(name + " must be positive and finite, but is " + value);
      }
    }
  }

  /**
   * What a model costs in memory and arithmetic, in fp16.
   *
   * @param name for tables
   * @param parameters number of weights
   * @param kvBytesPerToken keys and values of one token over all layers
   */
  public record ModelShape(String name, double parameters, long kvBytesPerToken) {
    private static final int BYTES_PER_WEIGHT = 2;

    private static final Map<String, ModelShape> PRESETS =
        Map.of(
            "gpt-j-6b", ofLayers("gpt-j-6b", 6.05e9, 28, 4096),
            "llama-13b", ofLayers("llama-13b", 13.0e9, 40, 5120),
            "llama-33b", ofLayers("llama-33b", 32.5e9, 60, 6656));

    /** Validates that the sizes are positive and finite. */
    public ModelShape {
      GpuProfile.requirePositive("parameters", parameters);
      if (kvBytesPerToken < 1) {
        throw new IllegalArgumentException(
            "kvBytesPerToken must be at least 1, but is " + kvBytesPerToken);
      }
    }

    /** A shape known by name: {@code gpt-j-6b}, {@code llama-13b} or {@code llama-33b}. */
    public static Optional<ModelShape> named(String name) {
      return Optional.ofNullable(PRESETS.get(name.toLowerCase(Locale.ROOT)));
    }

    /** The names that {@link #named} knows. */
    public static Set<String> names() {
      return PRESETS.keySet();
    }

    /** Bytes of the weights. */
    public double weightBytes() {
      return BYTES_PER_WEIGHT * parameters;
    }

    /** A model whose keys and values are as wide as its hidden state. */
    private static ModelShape ofLayers(String name, double parameters, int layers, int hidden) {
      return new ModelShape(name, parameters, 2L * BYTES_PER_WEIGHT * layers * hidden);
    }
  }
}
