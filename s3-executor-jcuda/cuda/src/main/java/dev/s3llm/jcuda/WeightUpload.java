package dev.s3llm.jcuda;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceEvent;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.KernelModule;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Brings tensors to a device piece by piece through two pinned buffers: while one piece is copied
 * and laid out there, the next is read. No tensor is ever whole in host memory.
 */
final class WeightUpload implements AutoCloseable {
  private static final int BUFFERS = 2;
  private static final int BUFFER_BYTES = 32 << 20;
  private static final int BLOCKS = 2048;
  private static final int THREADS = 256;

  private final DeviceStream stream;
  private final KernelModule kernels;
  private final Precision precision;
  private final LongConsumer onBytes;
  private final List<Buffer> buffers = new ArrayList<>();
  private final DeviceMemory nonFinite;
  private int turn;
  private long bytes;

  /** A pinned piece, its copy on the device, and when it may be used again. */
  private record Buffer(PinnedMemory host, DeviceMemory device, DeviceEvent free)
      implements AutoCloseable {
    @Override
    public void close() {
      free.close();
      device.close();
      host.close();
    }
  }

  /**
   * Allocates the buffers.
   *
   * @param onBytes told after each piece how many bytes have come to the device
   */
  WeightUpload(
      Device device,
      DeviceStream stream,
      KernelModule kernels,
      Precision precision,
      LongConsumer onBytes) {
    this.stream = stream;
    this.kernels = kernels;
    this.precision = precision;
    this.onBytes = onBytes;
    this.nonFinite = device.allocate(Integer.BYTES);
    for (int i = 0; i < BUFFERS; i++) {
      Buffer buffer =
          new Buffer(
              device.allocatePinned(BUFFER_BYTES),
              device.allocate(BUFFER_BYTES),
              device.newEvent());
      buffers.add(buffer);
      stream.record(buffer.free);
    }
  }

  /**
   * Lays out a matrix {@code [rows][columns]} in tiles.
   *
   * @param firstRow where its rows begin in the tiles
   * @param placement as {@code retile} takes it
   */
  void tile(Tensor tensor, int rows, int columns, DeviceMemory tiles, int firstRow, int placement) {
    String kernel = "retile_" + tensor.type().suffix() + "_" + precision.suffix();
    int step =
        BUFFER_BYTES / (columns * tensor.type().bytes()) / 8 * 8; // turns of eight stay whole
    if (step == 0) {
      throw new ModelFormatException(tensor.label() + " has rows of " + columns + " elements");
    }
    for (int row = 0; row < rows; row += step) {
      int count = Math.min(step, rows - row);
      int at = placement == 0 ? firstRow + row : firstRow + 2 * row;
      Buffer buffer = fill(tensor, (long) row * columns, count * columns);
      launch(kernel, buffer.device, tiles, count, columns, at, placement);
      stream.record(buffer.free);
    }
    check(tensor, tiles);
  }

  /** Copies a tensor as it is, in the device's number type. */
  void copy(Tensor tensor, DeviceMemory to, long toElement) {
    String kernel = "convert_" + tensor.type().suffix() + "_" + precision.suffix();
    int step = BUFFER_BYTES / tensor.type().bytes();
    for (long at = 0; at < tensor.elements(); at += step) {
      int count = (int) Math.min(step, tensor.elements() - at);
      Buffer buffer = fill(tensor, at, count);
      launch(
          kernel,
          buffer.device,
          new DeviceAddress(to, Precision.BYTES * (toElement + at)),
          (long) count);
      stream.record(buffer.free);
    }
    check(tensor, to);
  }

  private Buffer fill(Tensor tensor, long first, int count) {
    Buffer buffer = buffers.get(turn);
    turn = (turn + 1) % BUFFERS;
    buffer.free.synchronize();
    ByteBuffer piece = tensor.slice(first, count);
    int size = piece.remaining();
    buffer.host.view(0, size).put(piece);
    stream.copyIn(buffer.host.at(0), buffer.device, 0, size);
    bytes += (long) Precision.BYTES * count;
    onBytes.accept(bytes);
    return buffer;
  }

  /** Looks at the whole target: what was there before it was checked before. */
  private void check(Tensor tensor, DeviceMemory target) {
    launch(
        "find_non_finite_" + precision.suffix(),
        target,
        target.bytes() / Precision.BYTES,
        nonFinite);
    PinnedMemory answer = buffers.get(turn).host;
    buffers.get(turn).free.synchronize();
    stream.copyOut(nonFinite, 0, answer.at(0), Integer.BYTES);
    stream.synchronize();
    if (answer.view(0, Integer.BYTES).getInt(0) != 0) {
      throw new ModelFormatException(
          "%s holds a value that is not finite in %s".formatted(tensor.label(), precision));
    }
  }

  private void launch(String kernel, Object... arguments) {
    kernels.launch(stream, kernel, new int[] {BLOCKS}, THREADS, 0, arguments);
  }

  @Override
  public void close() {
    buffers.forEach(Buffer::close);
    nonFinite.close();
  }
}
