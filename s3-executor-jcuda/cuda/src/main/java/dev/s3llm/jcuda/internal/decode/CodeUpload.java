package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.decode.WeightUpload.Tiles;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** Brings pieces of codes into the tiles of a matrix; the work of {@link WeightUpload}. */
final class CodeUpload implements AutoCloseable {
  /** Elements of a piece that is read as codes. */
  private static final int MOST_ELEMENTS = 1 << 23;

  private final Device device;
  private final DeviceStream stream;
  private final LoadKernels kernels;
  private final int roundedBytes;
  private @Nullable DeviceMemory rounded;

  /**
   * Allocates nothing yet.
   *
   * @param roundedBytes bytes that the codes of a piece, or its scales, take at most when they are
   *     rounded on the device
   */
  CodeUpload(Device device, DeviceStream stream, LoadKernels kernels, int roundedBytes) {
    this.device = device;
    this.stream = stream;
    this.kernels = kernels;
    this.roundedBytes = roundedBytes;
  }

  /** Where rows of codes go: rows of the tiles, and their order. */
  record Place(Tiles tiles, int firstRow, int placement) {}

  /** Returns the rows of a piece: at most as many, in turns of eight. */
  static int rows(int columns, int bufferBytes) {
    int bytesOfRow = columns + 2 * Float.BYTES * ((columns + 31) / 32);
    return Math.min(MOST_ELEMENTS / columns, bufferBytes / bytesOfRow) / 8 * 8;
  }

  /** The parts of a piece of codes in a buffer: codes, scales and what stands beside them. */
  record Piece(CodeFormat format, int rows, int columns) {
    private int codes() {
      return (int) format.codeBytes((long) rows * columns);
    }

    private int groups() {
      return rows * format.groups(columns);
    }

    private long scalesAt() {
      return (codes() + 15) / 16 * 16L;
    }

    private long secondsAt() {
      return scalesAt() + (long) Float.BYTES * groups();
    }

    int bytes() {
      return (int) (secondsAt() + (format.seconds() ? (long) Float.BYTES * groups() : 0));
    }

    /** Reads rows into a buffer, two codes of 4 bits to a byte, integers of 8 bits plus 128. */
    void read(Codes from, int firstRow, ByteBuffer to) {
      RowPieces.of(rows, columns).forEach((row, count) -> read(from, firstRow, row, count, to));
    }

    private void read(Codes from, int firstRow, int row, int count, ByteBuffer to) {
      int group = row * format.groups(columns);
      byte[] codes = new byte[count * columns];
      float[] scales = new float[count * format.groups(columns)];
      float[] seconds = new float[format.seconds() ? scales.length : 0];
      from.read((long) (firstRow + row) * columns, codes.length, codes, scales, seconds);
      put(codes, to, (int) format.codeBytes((long) row * columns));
      for (int i = 0; i < scales.length; i++) {
        to.putFloat((int) scalesAt() + Float.BYTES * (group + i), scales[i]);
      }
      for (int i = 0; i < seconds.length; i++) {
        to.putFloat((int) secondsAt() + Float.BYTES * (group + i), seconds[i]);
      }
    }

    private void put(byte[] codes, ByteBuffer to, int at) {
      switch (format.codes().kind()) {
        case SIGNED_8 -> {
          for (int i = 0; i < codes.length; i++) {
            codes[i] ^= (byte) 0x80;
          }
          to.put(at, codes);
        }
        case E4M3 -> to.put(at, codes);
        case UNSIGNED_4, E2M1 -> putPairs(codes, to, at);
      }
    }

    /** Writes codes of 4 bits, eight to a word; groups are a multiple of eight. */
    private static void putPairs(byte[] codes, ByteBuffer to, int at) {
      ByteBuffer from = ByteBuffer.wrap(codes).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < codes.length; i += Long.BYTES) {
        long eight = from.getLong(i);
        eight = (eight | eight >>> 4) & 0x00FF_00FF_00FF_00FFL;
        eight = (eight | eight >>> 8) & 0x0000_FFFF_0000_FFFFL;
        to.putInt(at + i / 2, (int) (eight | eight >>> 16));
      }
    }
  }

  /** Brings a piece that is on the device into tiles. */
  void tile(Piece piece, DeviceMemory from, Place to, DeviceMemory nonFinite) {
    DeviceAddress codes = new DeviceAddress(from, 0);
    DeviceAddress scales = new DeviceAddress(from, piece.scalesAt());
    DeviceAddress seconds =
        piece.format.seconds() ? new DeviceAddress(from, piece.secondsAt()) : null;
    tile(piece, codes, scales, seconds, to, nonFinite);
  }

  /** Rounds a piece of plain numbers that is on the device, and brings it into tiles. */
  void round(Piece piece, ElementType type, DeviceMemory from, Place to, DeviceMemory nonFinite) {
    DeviceMemory own = rounded;
    if (own == null) {
      own = device.allocate(2L * roundedBytes);
      rounded = own;
    }
    DeviceAddress codes = new DeviceAddress(own, 0);
    DeviceAddress scales = new DeviceAddress(own, roundedBytes);
    kernels.quantize(stream, type, piece.format, from, codes, scales, piece.rows, piece.columns);
    tile(piece, codes, scales, null, to, nonFinite);
  }

  private void tile(
      Piece piece,
      DeviceAddress codes,
      DeviceAddress scales,
      @Nullable DeviceAddress seconds,
      Place to,
      DeviceMemory nonFinite) {
    kernels.tileCodes(stream, piece.format, codes, to, piece.rows, piece.columns, nonFinite);
    kernels.tileScales(
        stream, piece.format, scales, seconds, to, piece.rows, piece.columns, nonFinite);
  }

  @Override
  public void close() {
    DeviceMemory own = rounded;
    if (own != null) {
      own.close();
    }
  }
}
