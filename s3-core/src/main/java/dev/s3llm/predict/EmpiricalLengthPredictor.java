package dev.s3llm.predict;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Predicts from the lengths of ended answers, without a model. The engine predicts with it by
 * default (for requests without a hint), and as the fallback of every other predictor.
 *
 * <p>It keeps one histogram over log-spaced buckets for each key ({@link LengthQuery#key()}) and
 * one for all requests. A prediction blends them: the key's own counts, plus the overall
 * distribution with the weight of a few observations. The overall distribution starts as
 * log-uniform. Old observations fade, so that predictions adapt to changing traffic. An answer that
 * was cut off is only a lower bound of the length; its count is spread over the longer buckets in
 * proportion to their present probability (redistribution to the right, Efron 1967).
 *
 * <p>Thread-safe.
 */
public final class EmpiricalLengthPredictor implements LengthPredictor {
  /** Buckets of each histogram. */
  private static final int BUCKETS = 64;

  /** Largest length of the buckets; longer answers fall into the last bucket. */
  private static final int MAX_TOKENS = 1 << 17;

  /** Weight of the overall distribution in a key's prediction, in observations. */
  private static final double PRIOR_WEIGHT = 8;

  /** Share of its weight that an observation keeps when another follows: a memory of 2,000. */
  private static final double RETAIN = 1 - 1.0 / 2000;

  /** Largest number of keys; the least recently used key is removed. */
  private static final int MAX_KEYS = 1024;

  private static final LengthBuckets LENGTHS = LengthBuckets.logSpaced(MAX_TOKENS, BUCKETS);

  private final ReentrantLock lock = new ReentrantLock();
  private final Histogram overall = new Histogram();
  private final Map<String, Histogram> byKey =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Histogram> eldest) {
          return size() > MAX_KEYS;
        }
      };

  /** Creates a predictor without observations. */
  public EmpiricalLengthPredictor() {}

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    return CompletableFuture.completedFuture(predictNow(query));
  }

  /**
   * Returns the prediction at once.
   *
   * @param query the facts about the request; only the key and the output limit count
   */
  public LengthPrediction predictNow(LengthQuery query) {
    lock.lock();
    try {
      double[] belief = overall.blend(logUniform());
      Histogram own = query.key() == null ? null : byKey.get(query.key());
      double[] probabilities = own == null ? belief : own.blend(belief);
      return LengthPrediction.of(LENGTHS, probabilities).cappedAt(query.maxNewTokens());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    return predictNow(query);
  }

  @Override
  public void observe(LengthFeedback feedback) {
    lock.lock();
    try {
      double[] belief = overall.blend(logUniform());
      overall.add(feedback, belief);
      if (feedback.query().key() != null) {
        byKey.computeIfAbsent(feedback.query().key(), key -> new Histogram()).add(feedback, belief);
      }
    } finally {
      lock.unlock();
    }
  }

  private static double[] logUniform() {
    double[] probabilities = new double[BUCKETS];
    Arrays.fill(probabilities, 1.0 / BUCKETS);
    return probabilities;
  }

  /** Fading counts over {@link #LENGTHS}. */
  private static final class Histogram {
    private final double[] counts = new double[BUCKETS];
    private double total;

    double[] blend(double[] prior) {
      double[] blended = new double[BUCKETS];
      for (int i = 0; i < BUCKETS; i++) {
        blended[i] = (counts[i] + PRIOR_WEIGHT * prior[i]) / (total + PRIOR_WEIGHT);
      }
      return blended;
    }

    void add(LengthFeedback feedback, double[] belief) {
      for (int i = 0; i < BUCKETS; i++) {
        counts[i] *= RETAIN;
      }
      total = total * RETAIN + 1;
      int bucket = LENGTHS.bucketOf(feedback.actualTokens());
      if (!feedback.censored()) {
        counts[bucket]++;
        return;
      }
      double longer = 0;
      for (int i = bucket; i < BUCKETS; i++) {
        longer += belief[i];
      }
      for (int i = bucket; i < BUCKETS; i++) {
        counts[i] += belief[i] / longer;
      }
    }
  }
}
