package dev.s3llm.engine.prefix;

import java.util.Arrays;

/**
 * The hazard of a return: the chance per second that a block which has not come back until an age
 * comes back then, by the {@link Traits} of its last use and by the bins of {@link Ages}.
 *
 * <p>It is computed from {@link ReturnCounts}. A block that is still held, was forgotten, or left
 * the history counts with the seconds that it was observed, and with no return (censoring; Kaplan
 * and Meier 1958). The model is one of proportional hazards with a base for each level of {@link
 * Traits#GAP}, because people keep their pace (stratified: Cox 1972). Each step adds, to what was
 * observed, some returns as the step before expects them, so that none is far off where little was
 * observed:
 *
 * <ol>
 *   <li>the hazard of a bin over all combinations;
 *   <li>the hazard of a bin for a gap;
 *   <li>a factor for each level of each other trait, by iterative proportional fitting: the returns
 *       of the level, over those that the hazards and the other factors expect;
 *   <li>the hazard of a class: the combinations of a gap whose product of factors is about the
 *       same.
 * </ol>
 *
 * <p>Blocks that very many requests use, like those of a system prompt, have a class of their own,
 * and no part in the first three steps. Not thread-safe.
 */
final class ReturnModel {
  /** Returns added to those of a bin over all. */
  private static final double OVERALL_PRIOR = 0.1;

  /** Returns added to those of a bin of a gap. */
  private static final double GAP_PRIOR = 60;

  /** Returns added to those of a level. */
  private static final double FACTOR_PRIOR = 60;

  /** Returns added to those of a bin of a class. */
  private static final double CLASS_PRIOR = 100;

  /** Returns added to those of a bin of the class of hot blocks. */
  private static final double HOT_PRIOR = 1;

  /** The hazard that is assumed at first, per second. */
  private static final double ASSUMED_HAZARD = 1e-4;

  /** Bounds of each hazard, per second, so that no quotient leaves the range of a double. */
  private static final double LEAST_HAZARD = 1e-9;

  private static final double MOST_HAZARD = 1e3;

  /** Rounds of the fitting, which starts from the last result. */
  private static final int ROUNDS = 3;

  /** Ratio of the factors of neighbouring classes. */
  private static final double CLASS_RATIO = 1.4;

  private static final int CLASSES_BELOW = 9;
  private static final int CLASSES_OF_GAP = 2 * CLASSES_BELOW + 1;
  private static final int HOT_CLASS = Traits.LEVELS * CLASSES_OF_GAP;

  /** Number of classes. */
  static final int CLASSES = HOT_CLASS + 1;

  private final ReturnCounts counts;
  private final double[] overall = new double[Ages.BINS];
  private final double[][] ofGap = new double[Traits.LEVELS][Ages.BINS];
  private final double[][] factors = new double[Traits.COUNT][Traits.LEVELS];
  private final double[][] index = new double[CLASSES][Ages.BINS];

  // of each row that is not hot
  private double[] returned = new double[0];
  private double[] expected = new double[0];
  private int[] classes = new int[0];

  /**
   * Creates a model.
   *
   * @param counts what was observed
   */
  ReturnModel(ReturnCounts counts) {
    this.counts = counts;
    Arrays.fill(overall, ASSUMED_HAZARD);
    for (int trait = 0; trait < Traits.COUNT; trait++) {
      for (int level = 0; level < Traits.LEVELS; level++) {
        factors[trait][level] = Traits.assumed(trait, level);
      }
    }
    refresh();
  }

  /**
   * Returns the class of a combination of traits, from 0.
   *
   * @param row its row
   */
  int classOf(int row) {
    return row < classes.length ? classes[row] : classOfTraits(counts.traits(row));
  }

  /**
   * Returns the index of a class at the start of a bin; see {@link HoldingIndex}.
   *
   * @param number the class
   * @param bin the bin
   */
  double index(int number, int bin) {
    return index[number][bin];
  }

  /** Computes hazards and indices from all observations. */
  void refresh() {
    counts.fade();
    prepare();
    for (int round = 0; round < ROUNDS; round++) {
      fitOverall();
      fitGapFactors();
      fitGaps();
      expect();
      for (int trait = 0; trait < Traits.COUNT; trait++) {
        if (trait != Traits.GAP) {
          fitFactors(trait);
        }
      }
    }
    fitClasses();
  }

  private void prepare() {
    int rows = counts.rows();
    returned = new double[rows];
    expected = new double[rows];
    classes = new int[rows];
    for (int row = 0; row < rows; row++) {
      returned[row] = hot(row) ? 0 : Arrays.stream(counts.returns(row)).sum();
    }
  }

  private boolean hot(int row) {
    return Traits.level(counts.traits(row), Traits.SEEN) == Traits.HOT;
  }

  private int gap(int row) {
    return Traits.level(counts.traits(row), Traits.GAP);
  }

  /** Returns the product of the factors of all traits but the gap. */
  private double product(int traits) {
    double product = 1;
    for (int trait = 0; trait < Traits.COUNT; trait++) {
      product *= trait == Traits.GAP ? 1 : factors[trait][Traits.level(traits, trait)];
    }
    return product;
  }

  private void fitOverall() {
    double[] seen = new double[Ages.BINS];
    double[] held = new double[Ages.BINS];
    for (int row = 0; row < classes.length; row++) {
      if (!hot(row)) {
        double factor = product(counts.traits(row)) * factors[Traits.GAP][gap(row)];
        add(counts.returns(row), 1, seen);
        add(counts.seconds(row), factor, held);
      }
    }
    for (int bin = 0; bin < Ages.BINS; bin++) {
      overall[bin] = blend(seen[bin], held[bin], OVERALL_PRIOR, ASSUMED_HAZARD);
    }
  }

  private void fitGapFactors() {
    double[] seen = new double[Traits.LEVELS];
    double[] expects = new double[Traits.LEVELS];
    for (int row = 0; row < classes.length; row++) {
      if (!hot(row)) {
        seen[gap(row)] += returned[row];
        expects[gap(row)] += product(counts.traits(row)) * sum(overall, counts.seconds(row));
      }
    }
    setFactors(Traits.GAP, seen, expects);
  }

  private void fitGaps() {
    double[][] seen = new double[Traits.LEVELS][Ages.BINS];
    double[][] held = new double[Traits.LEVELS][Ages.BINS];
    for (int row = 0; row < classes.length; row++) {
      if (!hot(row)) {
        add(counts.returns(row), 1, seen[gap(row)]);
        add(counts.seconds(row), product(counts.traits(row)), held[gap(row)]);
      }
    }
    for (int gap = 0; gap < Traits.LEVELS; gap++) {
      for (int bin = 0; bin < Ages.BINS; bin++) {
        double prior = overall[bin] * factors[Traits.GAP][gap];
        ofGap[gap][bin] = blend(seen[gap][bin], held[gap][bin], GAP_PRIOR, prior);
      }
    }
  }

  /** Computes how much of each row would have returned by the hazards of its gap. */
  private void expect() {
    for (int row = 0; row < classes.length; row++) {
      expected[row] = hot(row) ? 0 : sum(ofGap[gap(row)], counts.seconds(row));
    }
  }

  private void fitFactors(int trait) {
    double[] seen = new double[Traits.LEVELS];
    double[] expects = new double[Traits.LEVELS];
    for (int row = 0; row < classes.length; row++) {
      int level = Traits.level(counts.traits(row), trait);
      seen[level] += returned[row];
      expects[level] += product(counts.traits(row)) / factors[trait][level] * expected[row];
    }
    setFactors(trait, seen, expects);
  }

  private void setFactors(int trait, double[] seen, double[] expects) {
    for (int level = 0; level < Traits.LEVELS; level++) {
      double assumed = FACTOR_PRIOR * Traits.assumed(trait, level);
      factors[trait][level] = (seen[level] + assumed) / (expects[level] + FACTOR_PRIOR);
    }
  }

  private int classOfTraits(int traits) {
    if (Traits.level(traits, Traits.SEEN) == Traits.HOT) {
      return HOT_CLASS;
    }
    long step = Math.round(Math.log(product(traits)) / Math.log(CLASS_RATIO));
    long bounded = Math.max(-CLASSES_BELOW, Math.min(CLASSES_BELOW, step));
    return Traits.level(traits, Traits.GAP) * CLASSES_OF_GAP + CLASSES_BELOW + (int) bounded;
  }

  private void fitClasses() {
    double[][] seen = new double[CLASSES][Ages.BINS];
    double[][] held = new double[CLASSES][Ages.BINS];
    for (int row = 0; row < classes.length; row++) {
      classes[row] = classOfTraits(counts.traits(row));
      add(counts.returns(row), 1, seen[classes[row]]);
      add(counts.seconds(row), 1, held[classes[row]]);
    }
    double[] hazards = new double[Ages.BINS];
    for (int number = 0; number < CLASSES; number++) {
      boolean hot = number == HOT_CLASS;
      double[] base = hot ? overall : ofGap[number / CLASSES_OF_GAP];
      double factor = hot ? 1 : Math.pow(CLASS_RATIO, number % CLASSES_OF_GAP - CLASSES_BELOW);
      double prior = hot ? HOT_PRIOR : CLASS_PRIOR;
      for (int bin = 0; bin < Ages.BINS; bin++) {
        hazards[bin] = blend(seen[number][bin], held[number][bin], prior, base[bin] * factor);
      }
      HoldingIndex.of(hazards, index[number]);
    }
  }

  /** Returns the returns over the seconds, after adding some returns at another hazard. */
  private static double blend(double returns, double seconds, double added, double hazard) {
    double blended = (returns + added) / (seconds + added / hazard);
    return Math.max(LEAST_HAZARD, Math.min(MOST_HAZARD, blended));
  }

  private static void add(double[] values, double factor, double[] to) {
    for (int bin = 0; bin < Ages.BINS; bin++) {
      to[bin] += factor * values[bin];
    }
  }

  private static double sum(double[] hazards, double[] seconds) {
    double sum = 0;
    for (int bin = 0; bin < Ages.BINS; bin++) {
      sum += hazards[bin] * seconds[bin];
    }
    return sum;
  }
}
