package dev.s3llm.predict;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Predicts from the lengths of ended answers, without a model. The engine predicts with it by
 * default (for requests without a hint), and as the fallback of every other predictor.
 *
 * <p>It counts answers over log-spaced buckets, for each key ({@link LengthQuery#key()}) and for
 * all requests; whole outputs, thinking and the answers behind it apart. From the counts follows
 * the hazard of each bucket: the share of the answers that end in it, of those that reach it. An
 * answer that was cut off counts as having reached the buckets before its last one, and as having
 * ended nowhere (Kaplan and Meier 1958). The hazard of a bucket that few answers have reached is
 * blended with a prior (beta process, Hjort 1990): for a key with the hazard over all requests,
 * with the weight of eight answers; for all requests with that of a log-logistic length, with the
 * weight of eight answers at first, and of one after a few hundred.
 *
 * <p>So the prior decides before the first answers, and afterwards only about lengths that were
 * hardly seen: after n answers, a length beyond all of them has a probability of about 1/n,
 * whatever the output limit. Old observations fade, so that predictions adapt to changing traffic.
 *
 * <p>Thread-safe.
 */
public final class EmpiricalLengthPredictor implements LengthPredictor {
  /** Buckets of each histogram. */
  private static final int BUCKETS = 64;

  /** Largest length of the buckets; longer answers fall into the last bucket. */
  private static final int MAX_TOKENS = 1 << 17;

  /** Weight of the initial distribution in the hazard over all requests, in answers. */
  private static final double PRIOR_WEIGHT = 1;

  /** Additional weight of the initial distribution before the first answer, in answers. */
  private static final double INITIAL_DOUBT = 7;

  /**
   * Share of the additional weight that an answer leaves. It fades over some 200 answers, because
   * the first answers to end are shorter than most.
   */
  private static final double RETAIN_DOUBT = 1 - 1.0 / 200;

  /** Weight of the hazard over all requests in that of a key, in answers. */
  private static final double KEY_PRIOR_WEIGHT = 8;

  /** Median of the initial distribution, in tokens. */
  private static final double PRIOR_MEDIAN = 350;

  /** Exponent of the initial distribution: doubling a great length quarters those beyond. */
  private static final double PRIOR_SHAPE = 2;

  /** Share of its weight that an observation keeps when another follows: a memory of 2,000. */
  private static final double RETAIN = 1 - 1.0 / 2000;

  /** Largest number of keys; the least recently used key is removed. */
  private static final int MAX_KEYS = 1024;

  private static final LengthBuckets LENGTHS = LengthBuckets.logSpaced(MAX_TOKENS, BUCKETS);

  private static final double[] PRIOR = logLogistic();

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<LengthQuery.Part, Lengths> parts = new EnumMap<>(LengthQuery.Part.class);

  /** Creates a predictor without observations. */
  public EmpiricalLengthPredictor() {}

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    return CompletableFuture.completedFuture(predictNow(query));
  }

  /**
   * Returns the prediction at once.
   *
   * @param query the facts about the request; only the key, the part and the limit count
   */
  public LengthPrediction predictNow(LengthQuery query) {
    lock.lock();
    try {
      double[] hazard = lengths(query).hazard(query.key());
      return LengthPrediction.of(LENGTHS, probabilities(hazard)).cappedAt(query.maxNewTokens());
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
      lengths(feedback.query()).add(feedback);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean predictsParts() {
    return true;
  }

  /** Returns what was observed of the part that a query asks for. */
  private Lengths lengths(LengthQuery query) {
    return parts.computeIfAbsent(query.part(), part -> new Lengths());
  }

  /** Returns the hazards of a log-logistic length. */
  private static double[] logLogistic() {
    double[] hazard = new double[BUCKETS];
    double reached = 1;
    for (int i = 0; i < BUCKETS; i++) {
      double longer =
          i == BUCKETS - 1
              ? 0
              : 1 / (1 + Math.pow(LENGTHS.upperEdge(i) / PRIOR_MEDIAN, PRIOR_SHAPE));
      hazard[i] = 1 - longer / reached;
      reached = longer;
    }
    return hazard;
  }

  private static double[] probabilities(double[] hazard) {
    double[] probabilities = new double[BUCKETS];
    double reached = 1;
    for (int i = 0; i < BUCKETS; i++) {
      probabilities[i] = reached * hazard[i];
      reached -= probabilities[i];
    }
    return probabilities;
  }

  /** The observed lengths of one part of outputs. */
  private static final class Lengths {
    private final Histogram overall = new Histogram();
    private double doubt = INITIAL_DOUBT;
    private final Map<String, Histogram> byKey =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<String, Histogram> eldest) {
            return size() > MAX_KEYS;
          }
        };

    /** Returns the hazard of each bucket for a key, which may be null. */
    double[] hazard(@Nullable String key) {
      double[] hazard = overall.hazard(PRIOR, PRIOR_WEIGHT + doubt);
      Histogram own = key == null ? null : byKey.get(key);
      return own == null ? hazard : own.hazard(hazard, KEY_PRIOR_WEIGHT);
    }

    void add(LengthFeedback feedback) {
      overall.add(feedback);
      doubt *= RETAIN_DOUBT;
      String key = feedback.query().key();
      if (key != null) {
        byKey.computeIfAbsent(key, same -> new Histogram()).add(feedback);
      }
    }
  }

  /** Fading counts over {@link #LENGTHS}. */
  private static final class Histogram {
    private final double[] ended = new double[BUCKETS];
    private final double[] cutOff = new double[BUCKETS];

    /** Returns the hazard of each bucket, given a prior one and its weight in answers. */
    double[] hazard(double[] prior, double weight) {
      double[] hazard = new double[BUCKETS];
      double longer = 0;
      for (int i = BUCKETS - 1; i >= 0; i--) {
        double reached = ended[i] + longer;
        hazard[i] = (ended[i] + weight * prior[i]) / (reached + weight);
        longer = reached + cutOff[i];
      }
      return hazard;
    }

    void add(LengthFeedback feedback) {
      for (int i = 0; i < BUCKETS; i++) {
        ended[i] *= RETAIN;
        cutOff[i] *= RETAIN;
      }
      double[] counts = feedback.censored() ? cutOff : ended;
      counts[LENGTHS.bucketOf(feedback.actualTokens())]++;
    }
  }
}
