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
 * All that an {@link OnlineHead} has learned, as it is saved.
 *
 * @param model SHA-256 of the ONNX file that the head belongs to, in hex
 * @param classes rows of the weights
 * @param dimension columns of the weights, less one for the bias
 * @param answers answers learned from
 * @param scored their fading number
 * @param frozenLoss fading sum of the trained head's log losses
 * @param onlineLoss fading sum of the online head's
 * @param weights row by row, each row with its bias at the end
 * @param squares sums of squared gradients, alike
 */
@SuppressWarnings("ArrayRecordComponent") // copies, never compared
record OnlineHeadState(
    String model,
    int classes,
    int dimension,
    long answers,
    double scored,
    double frozenLoss,
    double onlineLoss,
    float[] weights,
    float[] squares) {
  /** Above what the largest head needs. */
  private static final int MAX_BYTES = 64 << 20;

  private static final int MAGIC = 0x53334F48; // "S3OH"

  /** Writes a file; a reader sees the old one or the new one, whole. */
  void write(Path file) throws IOException {
    Path whole = file.resolveSibling(file.getFileName() + ".part");
    Files.write(whole, bytes());
    Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  private byte[] bytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(MAGIC);
      out.writeUTF(model);
      out.writeInt(classes);
      out.writeInt(dimension);
      out.writeLong(answers);
      out.writeDouble(scored);
      out.writeDouble(frozenLoss);
      out.writeDouble(onlineLoss);
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
   * @param same a state of the head that it must fit
   * @throws LengthModelException if the file is damaged, belongs to another model, or holds what
   *     cannot have been learned
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
    requireSame(file, "model", same.model, in.readUTF());
    requireSame(file, "classes", same.classes, in.readInt());
    requireSame(file, "dimension", same.dimension, in.readInt());
    requireSame(file, "size", same.bytes().length, bytes.length);
    return same.readValues(file, in);
  }

  private OnlineHeadState readValues(Path file, DataInputStream in) throws IOException {
    long answersRead = in.readLong();
    double scoredRead = in.readDouble();
    double frozenRead = in.readDouble();
    double onlineRead = in.readDouble();
    requirePossible(file, answersRead >= 0 && notNegative(scoredRead));
    requirePossible(file, notNegative(frozenRead) && notNegative(onlineRead));
    float[] weightsRead = new float[weights.length];
    float[] squaresRead = new float[weights.length];
    for (int i = 0; i < weightsRead.length; i++) {
      weightsRead[i] = in.readFloat();
      squaresRead[i] = in.readFloat();
      requirePossible(file, Float.isFinite(weightsRead[i]) && squaresRead[i] >= 0);
    }
    return new OnlineHeadState(
        model,
        classes,
        dimension,
        answersRead,
        scoredRead,
        frozenRead,
        onlineRead,
        weightsRead,
        squaresRead);
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
