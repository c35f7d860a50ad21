package dev.s3llm.onnx;

import dev.s3llm.predict.LengthBuckets;

/**
 * A small softmax head that continues the training of the model's head (S3, NeurIPS 2023, section
 * 3.1: the predictor is retrained from mispredictions): {@code logits + W * embedding + b}, with
 * {@code W} and {@code b} zero at first, updated by AdaGrad from finished answers.
 *
 * <p>Each answer is scored by both heads before the update. Fading means of the two log losses
 * decide which head predicts: the online head only while its loss is lower.
 *
 * <p>An answer that was cut off contributes the probability of all lengths that it may have had.
 *
 * <p>Any thread may call {@link #apply}, which reads a published copy; {@link #learn}, {@link
 * #state} and {@link #restore} are for one thread at a time.
 */
final class OnlineHead {
  private static final double LEARNING_RATE = 0.05;
  private static final double EPSILON = 1e-8;

  /** The share of its weight that a scored answer keeps when another follows. */
  private static final double RETAIN = 1 - 1.0 / 500;

  /** The number of answers before the online head may predict. */
  private static final int LEAST_ANSWERS = 100;

  /** The difference of the losses, in nats, above which the online head predicts. */
  private static final double MARGIN = 0.01;

  /** The number of answers between two publications of the weights. */
  private static final int PUBLISH_EVERY = 16;

  /** The largest head, in weights and biases: 32 MiB together with the squares of AdaGrad. */
  static final int MAX_WEIGHTS = 1 << 22;

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
    this.weights = new float[Math.toIntExact(weights(classes, dimension))];
    this.squares = new float[weights.length];
    this.published = new Published(weights.clone(), false);
  }

  /** Returns the number of weights and biases of a head. */
  static long weights(int classes, int dimension) {
    return classes * (dimension + 1L);
  }

  /** Returns whether the online head predicts. */
  boolean active() {
    return published.active;
  }

  /** Returns the probabilities of the buckets, by the head that predicts at present. */
  double[] apply(Scores scores) {
    Published now = published;
    float[] logits = now.active ? adjusted(scores, now.weights) : scores.logits();
    return softmax(finite(logits) ? logits : scores.logits());
  }

  /** Updates the head with an answer. */
  void learn(Scores scores, int actualTokens, boolean censored) {
    boolean[] possible = new boolean[classes];
    int bucket = buckets.bucketOf(actualTokens);
    for (int i = bucket; i < classes; i++) {
      possible[i] = censored || i == bucket;
    }
    float[] adjusted = adjusted(scores, weights);
    if (!finite(adjusted)) {
      return; // the embedding is too large for a finite update
    }
    double[] online = softmax(adjusted);
    score(softmax(scores.logits()), online, possible);
    descend(scores.embedding(), online, possible);
    if (++answers % PUBLISH_EVERY == 0) {
      publish();
    }
  }

  /** Returns the mean log loss of the trained head on recent answers, in nats. */
  double frozenLoss() {
    return frozenLoss / scored;
  }

  /** Returns the mean log loss of the online head on the same answers, in nats. */
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

  /**
   * Follows the gradient of the log loss: the probabilities less those given the answer's length.
   */
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

  private static boolean finite(float[] logits) {
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        return false;
      }
    }
    return true;
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

  /** Returns a copy of the state. */
  OnlineHeadState state() {
    return new OnlineHeadState(
        new OnlineHeadState.Shape(modelChecksum, classes, dimension),
        new OnlineHeadState.Progress(answers, scored, frozenLoss, onlineLoss),
        weights.clone(),
        squares.clone());
  }

  /** Continues from a state of the same model. */
  void restore(OnlineHeadState state) {
    answers = state.progress().answers();
    scored = state.progress().scored();
    frozenLoss = state.progress().frozenLoss();
    onlineLoss = state.progress().onlineLoss();
    System.arraycopy(state.weights(), 0, weights, 0, weights.length);
    System.arraycopy(state.squares(), 0, squares, 0, squares.length);
    publish();
  }

  @SuppressWarnings("ArrayRecordComponent") // not written after publication
  private record Published(float[] weights, boolean active) {}
}
