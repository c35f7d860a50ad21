package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Predicts the slots that a recording's text needs, from an estimate of its characters.
 *
 * <p>The estimate is the query's hint: the number of characters, and one for the end. A {@link
 * CalibratedPredictor} makes a distribution of it, and learns from the texts; it starts with the
 * spread that the estimates have for the training speakers. For a canvas, the probability of each
 * number of characters moves to the rung of the ladder that the model takes for it, but to no lower
 * one than that of the 80 % quantile: a canvas that is too small for its reservation costs the
 * encoder again, one that is too large costs idle memory. A text that is decoded without a canvas
 * needs as many slots as it has tokens.
 *
 * <p>The engine reports the slots of a canvas as the actual length; the number of characters comes
 * from the transcriber, through {@link #learn}. Thread-safe.
 */
final class CanvasPredictor implements LengthPredictor {
  private static final String ON_CANVAS = "canvas";
  private static final String AS_TOKENS = "tokens";

  /** Share of texts that shall fit the smallest canvas that has any probability. */
  private static final double FIT = 0.8;

  /** Standard normal deviates of equal probability. */
  private static final double[] DEVIATES = {-1.59, -0.97, -0.59, -0.28, 0, 0.28, 0.59, 0.97, 1.59};

  private final SpeechConfig config;
  private final CalibratedPredictor characters = new CalibratedPredictor(new Hints());

  /**
   * Creates a predictor.
   *
   * @param config the model's shape, with its ladder
   */
  CanvasPredictor(SpeechConfig config) {
    this.config = config;
    for (double estimate = 4; estimate < config.maxTargetPositions(); estimate *= 1.4) {
      learnSpread(estimate);
    }
  }

  /** Learns what the texts of the training speakers showed for estimates of this size. */
  private void learnSpread(double estimate) {
    double deviation = Math.min(0.35, 2.1 / Math.sqrt(estimate)); // of the logarithm
    for (double deviate : DEVIATES) {
      LengthQuery query = query(1, estimate, Decoding.Strategy.EASY_FIRST, Integer.MAX_VALUE);
      int unused = open(query);
      learn(query, (int) Math.round(estimate * Math.exp(deviate * deviation)));
    }
  }

  /**
   * Returns the query of a request with this hint.
   *
   * @param frames slots of the input, at least 1
   * @param estimate estimated number of characters, 0 or more
   * @param strategy how the text is decoded
   * @param limit output limit of the request
   */
  static LengthQuery query(int frames, double estimate, Decoding.Strategy strategy, int limit) {
    int tokens = (int) Math.min(limit, Math.round(estimate) + 1);
    return new LengthQuery(frames, null, key(strategy), tokens, limit);
  }

  /** Returns the request's length key, by which a prediction is for a canvas or not. */
  static String key(Decoding.Strategy strategy) {
    return switch (strategy) {
      case EASY_FIRST, MASK_PREDICT, MASK_CTC, LEFTMOST -> ON_CANVAS;
      case LEFT_TO_RIGHT, CTC -> AS_TOKENS;
    };
  }

  /**
   * Predicts the number of characters, the median of their distribution, 0 or more. The prediction
   * is open until {@link #learn} ends it.
   */
  int open(LengthQuery query) {
    return characters.predict(query).toCompletableFuture().join().quantile(0.5) - 1;
  }

  /**
   * Ends a prediction.
   *
   * @param query the query that {@link #open} got
   * @param actual number of characters; negative if there is no text to learn from
   */
  void learn(LengthQuery query, int actual) {
    LengthPrediction unused = LengthPrediction.exactly(1);
    characters.observe(new LengthFeedback(query, unused, Math.max(0, actual + 1), false));
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    return CompletableFuture.completedFuture(slots(query));
  }

  @Override
  public LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    return slots(query);
  }

  private LengthPrediction slots(LengthQuery query) {
    LengthPrediction raw = LengthPrediction.exactly(query.hintTokens());
    LengthPrediction tokens = characters.refresh(query, raw);
    return ON_CANVAS.equals(query.key()) ? onCanvas(tokens, query.maxNewTokens()) : tokens;
  }

  /** Moves the probability of each length to the rung that a canvas for it has, or a higher one. */
  private LengthPrediction onCanvas(LengthPrediction tokens, int limit) {
    List<Integer> edges = new ArrayList<>();
    List<Double> masses = new ArrayList<>();
    double longer = 1;
    int smallest = config.canvasFor(tokens.quantile(FIT) - 1);
    for (int rung = smallest; longer > 0; rung *= 2) {
      int size = Math.min(rung, limit);
      double next = size == limit ? 0 : tokens.survival(rung - config.canvasRoom() + 1);
      if (size > 1) {
        edges.add(size - 1);
        masses.add(0.0);
      }
      edges.add(size);
      masses.add(longer - next);
      longer = next;
    }
    return LengthPrediction.of(
        LengthBuckets.of(edges.stream().mapToInt(Integer::intValue).toArray()),
        masses.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Predicts exactly the hint. */
  private static final class Hints implements LengthPredictor {
    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      return CompletableFuture.completedFuture(LengthPrediction.exactly(query.hintTokens()));
    }
  }
}
