package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceEvent;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelTensors.Linear;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Copies tensors to a device piece by piece through two pinned buffers: while the device lays out
 * one piece, the next is read, by all threads of the common pool. No tensor is ever whole in host
 * memory.
 */
final class WeightUpload implements AutoCloseable {
  private static final int BUFFERS = 2;
  private static final int BUFFER_BYTES = 32 << 20;

  private final DeviceStream stream;
  private final LoadKernels kernels;
  private final LongConsumer onBytes;
  private final List<Buffer> buffers = new ArrayList<>();
  private final DeviceMemory nonFinite;
  private final CodeUpload codes;
  private int turn;
  private long bytes;

  /** A pinned piece, its copy on the device, and the event after which it may be filled again. */
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
   * @param onBytes receives, after each piece, the bytes on the device so far
   */
  WeightUpload(Device device, DeviceStream stream, LoadKernels kernels, LongConsumer onBytes) {
    this.stream = stream;
    this.kernels = kernels;
    this.onBytes = onBytes;
    this.nonFinite = device.allocate(Integer.BYTES);
    this.codes = new CodeUpload(device, stream, kernels, BUFFER_BYTES);
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
   * A matrix in tiles on the device.
   *
   * @param tiles its first tile
   * @param bytes its bytes
   */
  record Tiles(DeviceAddress tiles, long bytes) {}

  /**
   * Lays out a matrix in tiles.
   *
   * @param firstRow row of the tiles for the matrix's first row
   * @param placement order of the rows, see {@link LoadKernels#retile}
   */
  void tile(Linear matrix, Tiles to, int firstRow, int placement) {
    Tensor tensor = plain(matrix.matrix());
    int columns = matrix.in();
    int step =
        BUFFER_BYTES / (int) tensor.type().bytes(columns) / 8 * 8; // turns of eight rows stay whole
    if (step == 0) {
      throw new ModelFormatException(tensor.label() + " has rows of " + columns + " elements");
    }
    for (int row = 0; row < matrix.out(); row += step) {
      int count = Math.min(step, matrix.out() - row);
      int at = placement == 0 ? firstRow + row : firstRow + 2 * row;
      Buffer buffer = fill(tensor, (long) row * columns, count, columns);
      kernels.retile(stream, tensor.type(), buffer.device, to.tiles, count, columns, at, placement);
      stream.record(buffer.free);
    }
    check(tensor, to.tiles, to.bytes);
  }

  /**
   * Lays out a matrix in tiles of codes.
   *
   * @param stored whether the codes are those of the matrix; else its elements are rounded to codes
   * @param firstRow row of the tiles for the matrix's first row
   * @param placement order of the rows, see {@link LoadKernels#retile}
   */
  void tile(
      Linear matrix, CodeFormat format, boolean stored, Tiles to, int firstRow, int placement) {
    Tensor tensor = stored ? matrix.matrix() : plain(matrix.matrix());
    int columns = matrix.in();
    int step =
        stored
            ? CodeUpload.rows(columns, BUFFER_BYTES)
            : BUFFER_BYTES / (int) tensor.type().bytes(columns) / 8 * 8;
    if (step == 0) {
      throw new ModelFormatException(tensor.label() + " has rows of " + columns + " elements");
    }
    for (int row = 0; row < matrix.out(); row += step) {
      int count = Math.min(step, matrix.out() - row);
      int at = placement == 0 ? firstRow + row : firstRow + 2 * row;
      CodeUpload.Place place = new CodeUpload.Place(to, at, placement);
      CodeUpload.Piece piece = new CodeUpload.Piece(format, count, columns);
      if (stored) {
        Buffer buffer = fill(tensor.codes().orElseThrow(), piece, row);
        codes.tile(piece, buffer.device, place, nonFinite);
        stream.record(buffer.free);
      } else {
        Buffer buffer = fill(tensor, (long) row * columns, count, columns);
        codes.round(piece, tensor.type(), buffer.device, place, nonFinite);
        stream.record(buffer.free);
      }
    }
    requireFinite(tensor);
  }

  private Buffer fill(Codes from, CodeUpload.Piece piece, int row) {
    Buffer buffer = buffers.get(turn);
    turn = (turn + 1) % BUFFERS;
    buffer.free.synchronize();
    piece.read(from, row, buffer.host.view(0, piece.bytes()));
    stream.copyIn(buffer.host.at(0), buffer.device, 0, piece.bytes());
    bytes += piece.bytes();
    onBytes.accept(bytes);
    return buffer;
  }

  /** Returns the tensor with plain numbers, which the kernels read; quantised ones are widened. */
  private static Tensor plain(Tensor tensor) {
    return tensor.type().plain() ? tensor : tensor.widened();
  }

  /** Copies a tensor row-major, in the device's number type. */
  void copy(Tensor given, DeviceMemory to) {
    Tensor tensor = plain(given);
    int step = BUFFER_BYTES / tensor.type().blockBytes();
    for (long at = 0; at < tensor.elements(); at += step) {
      int count = (int) Math.min(step, tensor.elements() - at);
      Buffer buffer = fill(tensor, at, count, 1);
      DeviceAddress target = new DeviceAddress(to, Layouts.NUMBER_BYTES * at);
      kernels.convert(stream, tensor.type(), buffer.device, target, count);
      stream.record(buffer.free);
    }
    check(tensor, new DeviceAddress(to, 0), to.bytes());
  }

  /**
   * Copies numbers in the device's number type.
   *
   * @param label what they are, for messages
   */
  void copy(String label, float[] values, DeviceMemory to) {
    copy(
        new Tensor(
            label,
            ElementType.F32,
            values.length,
            (first, count) -> {
              ByteBuffer bytes =
                  ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
              bytes.asFloatBuffer().put(values, (int) first, count);
              return bytes;
            }),
        to);
  }

  /** Fills a buffer with rows, some at a time on the common pool of the JVM. */
  private Buffer fill(Tensor tensor, long first, int rows, int columns) {
    Buffer buffer = buffers.get(turn);
    turn = (turn + 1) % BUFFERS;
    buffer.free.synchronize();
    int size = (int) tensor.type().bytes((long) rows * columns);
    ByteBuffer target = buffer.host.view(0, size);
    RowPieces.of(rows, columns)
        .forEach(
            (row, count) -> {
              ByteBuffer piece = tensor.slice(first + (long) row * columns, count * columns);
              int at = (int) tensor.type().bytes((long) row * columns);
              target.slice(at, piece.remaining()).put(piece);
            });
    stream.copyIn(buffer.host.at(0), buffer.device, 0, size);
    bytes += (long) Layouts.NUMBER_BYTES * rows * columns;
    onBytes.accept(bytes);
    return buffer;
  }

  /** Checks the whole target; its earlier elements were checked before. */
  private void check(Tensor tensor, DeviceAddress target, long size) {
    kernels.findNonFinite(stream, target, size / Layouts.NUMBER_BYTES, nonFinite);
    requireFinite(tensor);
  }

  private void requireFinite(Tensor tensor) {
    PinnedMemory answer = buffers.get(turn).host;
    buffers.get(turn).free.synchronize();
    stream.copyOut(nonFinite, 0, answer.at(0), Integer.BYTES);
    stream.synchronize();
    if (answer.view(0, Integer.BYTES).getInt(0) != 0) {
      throw new ModelFormatException(
          "%s holds a value that is not finite in %s".formatted(tensor.label(), kernels.type()));
    }
  }

  @Override
  public void close() {
    buffers.forEach(Buffer::close);
    codes.close();
    nonFinite.close();
  }
}
