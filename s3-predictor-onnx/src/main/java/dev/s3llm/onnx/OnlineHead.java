package dev.s3llm.onnx;

import dev.s3llm.predict.LengthBuckets;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.zip.CRC32;

/**
 * A small softmax head that goes on learning where the trained one stopped (S3, NeurIPS 2023,
 * section 3.1: the predictor is retrained from mispredictions): {@code logits + W * embedding + b},
 * with {@code W} and {@code b} zero at first, updated by AdaGrad from answers that ended.
 *
 * <p>Each answer is scored by both heads before it is learned from. Fading means of the two log
 * losses decide which head answers: the online one only while it has been better.
 *
 * <p>A cut-off answer contributes the probability of all lengths it may have had.
 *
 * <p>{@link #apply} is for any thread and reads a published copy; {@link #learn}, {@link #save} and
 * {@link #restore} are for one thread at a time.
 */
final class OnlineHead {
  private static final double LEARNING_RATE = 0.05;
  private static final double EPSILON = 1e-8;

  /** Each scored answer keeps this share of its weight when another follows. */
  private static final double RETAIN = 1 - 1.0 / 500;

  /** Answers before the online head may take over. */
  private static final int LEAST_ANSWERS = 100;

  /** By how much, in nats, it must be better. */
  private static final double MARGIN = 0.01;

  /** Answers between two publications of the weights. */
  private static final int PUBLISH_EVERY = 16;

  private static final int MAGIC = 0x53334F48; // "S3OH"
  private static final long MAX_BYTES = 64L << 20;

  private final LengthBuckets buckets;
  private final String modelChecksum;
  private final int classes;
  private final int dimension;
  private final float[] weights;
  private final float[] squares;
  private long answers;
  private double scored;
  private double frozenLoss;
  private double onlineLoss;
  private volatile Published published;

  OnlineHead(LengthBuckets buckets, int dimension, String modelChecksum) {
    this.buckets = buckets;
    this.classes = buckets.count();
    this.dimension = dimension;
    this.modelChecksum = modelChecksum;
    this.weights = new float[classes * (dimension + 1)];
    this.squares = new float[weights.length];
    this.published = new Published(weights.clone(), false);
  }

  int dimension() {
    return dimension;
  }

  /** Whether the online head answers. */
  boolean active() {
    return published.active;
  }

  /** Probabilities of the buckets, by the head that is in force. */
  double[] apply(Scores scores) {
    Published now = published;
    return softmax(now.active ? adjusted(scores, now.weights) : scores.logits());
  }

  /** Learns from an answer. */
  void learn(Scores scores, int actualTokens, boolean censored) {
    boolean[] possible = new boolean[classes];
    int bucket = buckets.bucketOf(actualTokens);
    for (int i = bucket; i < classes; i++) {
      possible[i] = censored || i == bucket;
    }
    double[] online = softmax(adjusted(scores, weights));
    score(softmax(scores.logits()), online, possible);
    descend(scores.embedding(), online, possible);
    if (++answers % PUBLISH_EVERY == 0) {
      publish();
    }
  }

  /** Mean log loss of the trained head on recent answers, in nats. */
  double frozenLoss() {
    return frozenLoss / scored;
  }

  /** Mean log loss of the online head on the same answers. */
  double onlineLoss() {
    return onlineLoss / scored;
  }

  private void publish() {
    boolean better = answers >= LEAST_ANSWERS && onlineLoss() < frozenLoss() - MARGIN;
    published = new Published(weights.clone(), better);
  }

  private void score(double[] frozen, double[] online, boolean[] possible) {
    scored = scored * RETAIN + 1;
    frozenLoss = frozenLoss * RETAIN + loss(frozen, possible);
    onlineLoss = onlineLoss * RETAIN + loss(online, possible);
  }

  private static double loss(double[] probabilities, boolean[] possible) {
    return -Math.log(Math.max(1e-9, mass(probabilities, possible)));
  }

  private static double mass(double[] probabilities, boolean[] possible) {
    double mass = 0;
    for (int i = 0; i < probabilities.length; i++) {
      mass += possible[i] ? probabilities[i] : 0;
    }
    return mass;
  }

  /** The gradient of the log loss: what is believed, less what is believed given what happened. */
  private void descend(float[] embedding, double[] online, boolean[] possible) {
    double mass = Math.max(1e-9, mass(online, possible));
    for (int i = 0; i < classes; i++) {
      double error = online[i] - (possible[i] ? online[i] / mass : 0);
      int row = i * (dimension + 1);
      for (int j = 0; j < dimension; j++) {
        update(row + j, error * embedding[j]);
      }
      update(row + dimension, error);
    }
  }

  private void update(int index, double gradient) {
    squares[index] += (float) (gradient * gradient);
    weights[index] -= (float) (LEARNING_RATE * gradient / (Math.sqrt(squares[index]) + EPSILON));
  }

  private float[] adjusted(Scores scores, float[] by) {
    float[] logits = scores.logits().clone();
    float[] embedding = scores.embedding();
    for (int i = 0; i < classes; i++) {
      int row = i * (dimension + 1);
      float sum = by[row + dimension];
      for (int j = 0; j < dimension; j++) {
        sum += by[row + j] * embedding[j];
      }
      logits[i] += sum;
    }
    return logits;
  }

  static double[] softmax(float[] logits) {
    double highest = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit);
    }
    double[] probabilities = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] = Math.exp(logits[i] - highest);
      sum += probabilities[i];
    }
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] /= sum;
    }
    return probabilities;
  }

  /** Writes what was learned; a reader sees the old file or the new one, whole. */
  void save(Path file) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(MAGIC);
      out.writeUTF(modelChecksum);
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
    Path whole = file.resolveSibling(file.getFileName() + ".part");
    Files.write(whole, bytes.toByteArray());
    Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Reads what was saved.
   *
   * @throws LengthModelException if the file is damaged or belongs to another model; then nothing
   *     is changed
   */
  void restore(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new LengthModelException(
          "%s has %d bytes, the limit is %d".formatted(file, Files.size(file), MAX_BYTES));
    }
    byte[] bytes = Files.readAllBytes(file);
    int body = bytes.length - Long.BYTES;
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      requireIntact(file, bytes, body);
      requireSame(file, "format", MAGIC, in.readInt());
      requireSame(file, "model", modelChecksum, in.readUTF());
      requireSame(file, "classes", classes, in.readInt());
      requireSame(file, "dimension", dimension, in.readInt());
      answers = in.readLong();
      scored = in.readDouble();
      frozenLoss = in.readDouble();
      onlineLoss = in.readDouble();
      for (int i = 0; i < weights.length; i++) {
        weights[i] = in.readFloat();
        squares[i] = in.readFloat();
      }
      publish();
    } catch (java.io.EOFException e) {
      throw new LengthModelException(file + " is cut off", e);
    }
  }

  private static void requireIntact(Path file, byte[] bytes, int body) throws IOException {
    boolean intact = false;
    if (body > 0) {
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

  @SuppressWarnings("ArrayRecordComponent") // never written once published
  private record Published(float[] weights, boolean active) {}
}
