package dev.s3llm.jcuda.internal.speech;

import static dev.s3llm.jcuda.internal.speech.SpeechLimits.CHANNELS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.MEL_BANDS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.ROWS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.WIDTH;

import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * The buffers between the kernels, for the largest step. Rows of a tile are at {@code 16 * tile};
 * there are twice as many rows after the first convolution, and four times as many features.
 */
final class SpeechSpace implements AutoCloseable {
  private static final int HALF_BYTES = 2;

  private final List<DeviceMemory> all = new ArrayList<>();

  /** The {@link TileImage}. */
  final DeviceMemory image;

  /** Features, {@code [row][band]} of float. */
  final DeviceMemory features;

  /** Result of the first convolution, {@code [row][band][channel]} of fp16. */
  final DeviceMemory convolved;

  /** The residual stream, {@code [row][128]} of float; at last the encoder's output. */
  final DeviceMemory stream;

  /** Queries, {@code [row][128]} of fp16. */
  final DeviceMemory queries;

  /** Keys and values of one layer of the encoder, as in KV blocks. */
  final DeviceMemory kv;

  /** Input of the depthwise convolution, {@code [row][128]} of fp16. */
  final DeviceMemory gated;

  /** Logits, {@code [row][vocabulary]} of float. */
  final DeviceMemory logits;

  /**
   * Allocates the buffers.
   *
   * @param allocator allocates bytes of device memory
   * @param format sizes of the largest step
   * @param vocabulary number of ids
   */
  SpeechSpace(LongFunction<DeviceMemory> allocator, SpeechFormat format, int vocabulary) {
    long rows = (long) ROWS * format.tiles();
    try {
      this.image = allocate(allocator, (long) Integer.BYTES * format.imageInts());
      this.features = allocate(allocator, featureBytes(format));
      this.convolved = allocate(allocator, 2 * rows * (MEL_BANDS / 2) * CHANNELS * HALF_BYTES);
      this.stream = allocate(allocator, rows * WIDTH * Float.BYTES);
      this.queries = allocate(allocator, rows * WIDTH * HALF_BYTES);
      this.kv = allocate(allocator, 2 * rows * WIDTH * HALF_BYTES);
      this.gated = allocate(allocator, rows * WIDTH * HALF_BYTES);
      this.logits = allocate(allocator, logitBytes(format, vocabulary));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private DeviceMemory allocate(LongFunction<DeviceMemory> allocator, long bytes) {
    DeviceMemory memory = allocator.apply(bytes);
    all.add(memory);
    return memory;
  }

  /** Returns the bytes of the features of the largest step. */
  static long featureBytes(SpeechFormat format) {
    return 4L * ROWS * format.tiles() * MEL_BANDS * Float.BYTES;
  }

  /** Returns the bytes of the logits of the largest step. */
  static long logitBytes(SpeechFormat format, int vocabulary) {
    return (long) ROWS * format.tiles() * vocabulary * Float.BYTES;
  }

  @Override
  public void close() {
    all.forEach(DeviceMemory::close);
  }
}
