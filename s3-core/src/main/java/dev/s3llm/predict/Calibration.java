package dev.s3llm.predict;

import java.util.Arrays;

/**
 * The distribution of the actual length given a prediction, learned online from ended answers. Old
 * answers fade.
 *
 * <p>Two experts give a distribution over a fixed grid of lengths. The first is the prediction
 * itself. The second is the predicted median times the observed ratios of actual length to median,
 * of predictions of similar size, blended with those of all predictions while the former are few.
 * The first expert knows the shape of the prediction. The second can give probability to lengths
 * that the prediction excludes, which is necessary if a predictor returns a single number. They are
 * mixed by their recent accuracy (Bayesian model averaging with forgetting).
 *
 * <p>The mixture is then recalibrated. The values of its distribution function at the actual
 * lengths are collected in a fading histogram. The distribution function of this histogram maps the
 * mixture's probabilities to observed frequencies (probability integral transform; Dawid 1984;
 * Kuleshov et al., ICML 2018).
 *
 * <p>The weight of an answer that was cut off is spread over the longer lengths, in proportion to
 * their present probability (Efron 1967). Not thread-safe.
 */
final class Calibration {
  private static final LengthBuckets GRID = LengthBuckets.logSpaced(1 << 17, 112);
  private static final int CELLS = GRID.count();
  private static final double[] LOG_ENDS = logEnds();

  /** Number of bins of the log ratio, centred on a ratio of one. */
  private static final int RATIOS = 129;

  private static final int CENTRE = RATIOS / 2;

  private static final double BINS_PER_DOUBLING = 8;

  /** Number of groups of predictions by the size of their median. */
  private static final int SIZES = 34;

  private static final double SIZES_PER_DOUBLING = 2;

  /** Weight of the ratios of all sizes against those of one size, in answers. */
  private static final double SIZE_PRIOR = 20;

  /** Weight of the initial distribution of ratios, in answers. */
  private static final double RATIO_PRIOR = 10;

  /** Number of bins of the mixture's distribution function at actual lengths. */
  private static final int LEVELS = 50;

  /** Weight of the initial, uniform distribution over these bins, in answers. */
  private static final double LEVEL_PRIOR = 40;

  /** Share of its weight that an answer keeps when another follows: a memory of 600 answers. */
  private static final double RETAIN = 1 - 1.0 / 600;

  /** The same share for the scores of the experts. */
  private static final double RETAIN_SCORE = 1 - 1.0 / 100;

  /** Added to an expert's probability of an actual length, so that its logarithm is bounded. */
  private static final double FLOOR = 1e-3;

  private final double[] ratioPrior = laplace();
  private final double[] ratios = new double[RATIOS];
  private final double[][] ratiosBySize = new double[SIZES][RATIOS];
  private final double[] levels = new double[LEVELS];
  private double scoreOfPrediction;
  private double scoreOfRatios;

  /** Returns the calibrated distribution of a prediction. */
  LengthPrediction apply(LengthPrediction prediction) {
    double[] cumulative = cumulative(mixture(prediction));
    double[] levelEdges = levelEdges();
    double[] probabilities = new double[CELLS];
    double before = 0;
    for (int i = 0; i < CELLS; i++) {
      double level = i == CELLS - 1 ? 1 : interpolate(levelEdges, cumulative[i]);
      probabilities[i] = Math.max(0, level - before);
      before = level;
    }
    return LengthPrediction.of(GRID, probabilities);
  }

  /**
   * Learns from an answer.
   *
   * @param prediction the prediction before calibration
   * @param actualTokens number of tokens generated, at least 1
   * @param censored whether the answer was cut off
   */
  void learn(LengthPrediction prediction, int actualTokens, boolean censored) {
    int actual = Math.min(actualTokens, GRID.maxTokens());
    double[] direct = onGrid(prediction);
    double[] byRatio = byRatio(prediction);
    double[] mixed = mix(direct, byRatio);
    learnLevel(cumulative(mixed), actual, censored);
    if (!censored) {
      int cell = GRID.bucketOf(actual);
      scoreOfPrediction = scoreOfPrediction * RETAIN_SCORE + Math.log(direct[cell] + FLOOR);
      scoreOfRatios = scoreOfRatios * RETAIN_SCORE + Math.log(byRatio[cell] + FLOOR);
    }
    learnRatio(prediction, actual, censored);
  }

  // ---- experts

  private double[] mixture(LengthPrediction prediction) {
    return mix(onGrid(prediction), byRatio(prediction));
  }

  private double[] mix(double[] direct, double[] byRatio) {
    double weight = 1 / (1 + Math.exp(scoreOfRatios - scoreOfPrediction));
    // Every length keeps some probability, also outside the prediction's support.
    double bounded = Math.min(1 - 0.02, Math.max(0, weight));
    double[] mixed = new double[CELLS];
    for (int i = 0; i < CELLS; i++) {
      mixed[i] = bounded * direct[i] + (1 - bounded) * byRatio[i];
    }
    return mixed;
  }

  private static double[] onGrid(LengthPrediction prediction) {
    double[] probabilities = new double[CELLS];
    double above = 1;
    for (int i = 0; i < CELLS; i++) {
      double next = i == CELLS - 1 ? 0 : prediction.survival(GRID.upperEdge(i));
      probabilities[i] = above - next;
      above = next;
    }
    return probabilities;
  }

  private double[] byRatio(LengthPrediction prediction) {
    int median = prediction.quantile(0.5);
    double[] belief = ratioBelief(median);
    double[] below = below(belief);
    double logMedian = log2(median);
    double[] probabilities = new double[CELLS];
    double sofar = 0;
    for (int i = 0; i < CELLS; i++) {
      double upTo = i == CELLS - 1 ? 1 : ratioAtMost(belief, below, LOG_ENDS[i] - logMedian);
      probabilities[i] = upTo - sofar;
      sofar = upTo;
    }
    return probabilities;
  }

  /** Returns the distribution of the ratio for predictions of this size. */
  private double[] ratioBelief(int median) {
    double[] overall = blend(ratios, ratioPrior, RATIO_PRIOR);
    return blend(ratiosBySize[sizeOf(median)], overall, SIZE_PRIOR);
  }

  private static double[] blend(double[] counts, double[] prior, double weight) {
    double total = Arrays.stream(counts).sum() + weight;
    double[] blended = new double[counts.length];
    for (int i = 0; i < counts.length; i++) {
      blended[i] = (counts[i] + weight * prior[i]) / total;
    }
    return blended;
  }

  /** Returns the probability of all bins before each bin. */
  private static double[] below(double[] belief) {
    double[] below = new double[RATIOS];
    for (int i = 1; i < RATIOS; i++) {
      below[i] = below[i - 1] + belief[i - 1];
    }
    return below;
  }

  private static double ratioAtMost(double[] belief, double[] below, double doublings) {
    double position = ratioPosition(doublings) + 0.5; // bins are centred
    int whole = (int) Math.floor(position);
    if (whole < 0 || whole >= RATIOS) {
      return whole < 0 ? 0 : 1;
    }
    return below[whole] + (position - whole) * belief[whole];
  }

  private static double ratioPosition(double doublings) {
    return doublings * BINS_PER_DOUBLING + CENTRE;
  }

  private static double log2(double value) {
    return Math.log(value) / Math.log(2);
  }

  /** Returns the logarithm of the end of each cell of the grid. */
  private static double[] logEnds() {
    double[] ends = new double[CELLS];
    for (int i = 0; i < CELLS; i++) {
      ends[i] = log2(GRID.upperEdge(i) + 0.5);
    }
    return ends;
  }

  private static int sizeOf(int median) {
    int size = (int) (log2(median) * SIZES_PER_DOUBLING);
    return Math.max(0, Math.min(SIZES - 1, size));
  }

  private static double[] laplace() {
    double[] belief = new double[RATIOS];
    double sum = 0;
    for (int i = 0; i < RATIOS; i++) {
      belief[i] = Math.exp(-Math.abs(i - CENTRE) / BINS_PER_DOUBLING);
      sum += belief[i];
    }
    for (int i = 0; i < RATIOS; i++) {
      belief[i] /= sum;
    }
    return belief;
  }

  private void learnRatio(LengthPrediction prediction, int actual, boolean censored) {
    int median = prediction.quantile(0.5);
    int bin =
        (int)
            Math.max(
                0, Math.min(RATIOS - 1, Math.round(ratioPosition(log2((double) actual / median)))));
    double[] belief = ratioBelief(median);
    double[] ofSize = ratiosBySize[sizeOf(median)];
    fade(ratios);
    fade(ofSize);
    int last = censored ? RATIOS - 1 : bin;
    double mass = 0;
    for (int i = bin; i <= last; i++) {
      mass += belief[i];
    }
    for (int i = bin; i <= last; i++) {
      ratios[i] += belief[i] / mass;
      ofSize[i] += belief[i] / mass;
    }
  }

  private static void fade(double[] counts) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] *= RETAIN;
    }
  }

  // ---- recalibration

  private static double[] cumulative(double[] probabilities) {
    double[] cumulative = new double[CELLS];
    double sum = 0;
    for (int i = 0; i < CELLS; i++) {
      sum += probabilities[i];
      cumulative[i] = Math.min(1, sum);
    }
    return cumulative;
  }

  /** Returns a distribution function at a length; its probability is even within cells. */
  private static double at(double[] cumulative, int tokens) {
    if (tokens <= 0) {
      return 0;
    }
    int cell = GRID.bucketOf(tokens);
    double before = cell == 0 ? 0 : cumulative[cell - 1];
    int lower = GRID.lowerEdge(cell);
    double within = (double) (tokens - lower) / (GRID.upperEdge(cell) - lower);
    return before + within * (cumulative[cell] - before);
  }

  /** Spreads the answer's weight over the levels between its length and the length before. */
  private void learnLevel(double[] cumulative, int actual, boolean censored) {
    double from = at(cumulative, actual - 1);
    double to = censored ? 1 : at(cumulative, actual);
    double[] edges = levelEdges();
    fade(levels);
    double believed = interpolate(edges, to) - interpolate(edges, from);
    if (believed <= 1e-12) {
      levels[Math.min(LEVELS - 1, (int) (to * LEVELS))]++;
      return;
    }
    for (int i = 0; i < LEVELS; i++) {
      double low = Math.max(from, (double) i / LEVELS);
      double high = Math.min(to, (i + 1.0) / LEVELS);
      if (high > low) {
        double share = interpolate(edges, high) - interpolate(edges, low);
        levels[i] += censored ? share / believed : (high - low) / (to - from);
      }
    }
  }

  /** Returns the distribution function of the levels, at the edges of their bins. */
  private double[] levelEdges() {
    double total = Arrays.stream(levels).sum() + LEVEL_PRIOR;
    double[] edges = new double[LEVELS + 1];
    for (int i = 0; i < LEVELS; i++) {
      edges[i + 1] = edges[i] + (levels[i] + LEVEL_PRIOR / LEVELS) / total;
    }
    return edges;
  }

  private static double interpolate(double[] edges, double level) {
    double position = Math.max(0, Math.min(1, level)) * LEVELS;
    int bin = Math.min(LEVELS - 1, (int) position);
    return edges[bin] + (position - bin) * (edges[bin + 1] - edges[bin]);
  }
}
