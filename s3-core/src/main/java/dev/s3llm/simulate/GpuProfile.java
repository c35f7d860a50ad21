package dev.s3llm.simulate;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a GPU sustains. The presets are rounded sustained values, not data sheet peaks; {@code
 * h200-s3} is fitted to steps that {@code JCudaExecutor} took on an H200 (docs/gpu.md).
 *
 * @param name for tables
 * @param bytesPerSecond reads of device memory
 * @param flops fp16 operations per second
 * @param overheadNanos added to each step: launches, sampling, the host
 * @param swapBytesPerSecond copies between device and host memory, one way
 * @param overlaps whether all reads run beside all arithmetic, as in a roofline of the whole step;
 *     else keys and values are read after the products, as where each is a kernel of its own
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
