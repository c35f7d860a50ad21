package dev.s3llm.onnx;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.CRC32;

/**
 * The state of an {@link OnlineHead}, as it is saved.
 *
 * @param shape the model that the head belongs to
 * @param progress counts and losses
 * @param weights row by row, each row with its bias at the end
 * @param squares sums of squared gradients, in the same order
 */
@SuppressWarnings("ArrayRecordComponent") // copies, never compared
record OnlineHeadState(Shape shape, Progress progress, float[] weights, float[] squares) {

  /**
   * The model that a head belongs to.
   *
   * @param model SHA-256 of the ONNX file, in hex
   * @param classes rows of the weights
   * @param dimension columns of the weights without the bias
   */
  record Shape(String model, int classes, int dimension) {}

  /**
   * Counts and losses. A fading sum multiplies each answer's share when another answer follows.
   *
   * @param answers number of answers that the head was updated with
   * @param scored fading number of these answers
   * @param frozenLoss fading sum of the trained head's log losses, in nats
   * @param onlineLoss fading sum of the online head's log losses, in nats
   */
  record Progress(long answers, double scored, double frozenLoss, double onlineLoss) {}

  /** Larger than the largest head. */
  private static final int MAX_BYTES = 64 << 20;

  private static final int MAGIC = 0x53334F48; // "S3OH"

  /** Writes a file atomically: a reader sees the complete old file or the complete new one. */
  void write(Path file) throws IOException {
    Path whole = file.resolveSibling(file.getFileName() + ".part");
    Files.write(whole, bytes());
    Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  private byte[] bytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(MAGIC);
      out.writeUTF(shape.model);
      out.writeInt(shape.classes);
      out.writeInt(shape.dimension);
      out.writeLong(progress.answers);
      out.writeDouble(progress.scored);
      out.writeDouble(progress.frozenLoss);
      out.writeDouble(progress.onlineLoss);
      for (int i = 0; i < weights.length; i++) {
        out.writeFloat(weights[i]);
        out.writeFloat(squares[i]);
      }
      out.writeLong(checksum(bytes.toByteArray(), bytes.size()));
    }
    return bytes.toByteArray();
  }

  /**
   * Reads a file.
   *
   * @param file a file that {@link #write} has written
   * @param same a state of the head for which the file is read
   * @throws LengthModelException if the file is damaged, belongs to another model, or holds values
   *     that no head can have
   */
  static OnlineHeadState read(Path file, OnlineHeadState same) throws IOException {
    byte[] bytes;
    try (InputStream stream = Files.newInputStream(file)) {
      bytes = stream.readNBytes(MAX_BYTES);
    }
    int body = bytes.length - Long.BYTES;
    requireIntact(file, bytes, body);
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    requireSame(file, "format", MAGIC, in.readInt());
    requireSame(file, "model", same.shape.model, in.readUTF());
    requireSame(file, "classes", same.shape.classes, in.readInt());
    requireSame(file, "dimension", same.shape.dimension, in.readInt());
    requireSame(file, "size", same.bytes().length, bytes.length);
    return same.readValues(file, in);
  }

  private OnlineHeadState readValues(Path file, DataInputStream in) throws IOException {
    Progress read = new Progress(in.readLong(), in.readDouble(), in.readDouble(), in.readDouble());
    requirePossible(file, read.answers >= 0 && notNegative(read.scored));
    requirePossible(file, notNegative(read.frozenLoss) && notNegative(read.onlineLoss));
    float[] weightsRead = new float[weights.length];
    float[] squaresRead = new float[weights.length];
    for (int i = 0; i < weightsRead.length; i++) {
      weightsRead[i] = in.readFloat();
      squaresRead[i] = in.readFloat();
      requirePossible(file, Float.isFinite(weightsRead[i]) && squaresRead[i] >= 0);
    }
    return new OnlineHeadState(shape, read, weightsRead, squaresRead);
  }

  private static boolean notNegative(double value) {
    return value >= 0 && value < Double.POSITIVE_INFINITY;
  }

  private static void requirePossible(Path file, boolean possible) {
    if (!possible) {
      throw new LengthModelException(
          file + " holds a negative count or loss, or a weight that is no finite number");
    }
  }

  private static void requireIntact(Path file, byte[] bytes, int body) throws IOException {
    boolean intact = false;
    if (body >= Long.BYTES) {
      DataInputStream end = new DataInputStream(new ByteArrayInputStream(bytes, body, Long.BYTES));
      intact = end.readLong() == checksum(bytes, body);
    }
    if (!intact) {
      throw new LengthModelException(file + " is damaged: its checksum does not match");
    }
  }

  private static long checksum(byte[] bytes, int length) {
    CRC32 crc = new CRC32();
    crc.update(bytes, 0, length);
    return crc.getValue();
  }

  private static void requireSame(Path file, String what, Object expected, Object actual) {
    if (!expected.equals(actual)) {
      throw new LengthModelException(
          "%s is of another %s: %s instead of %s".formatted(file, what, actual, expected));
    }
  }
}
