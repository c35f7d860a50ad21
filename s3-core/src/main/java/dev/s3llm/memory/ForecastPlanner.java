package dev.s3llm.memory;

import com.google.common.base.Preconditions;
import dev.s3llm.schedule.SequenceView;

/**
 * Admits sequences by a forecast of the batch's memory use over time: a candidate joins if the
 * expected use plus a margin of z standard deviations stays within capacity at every horizon. Only
 * present tokens are reserved, so no memory is kept for tokens that may never come.
 *
 * <p>Sequences end at different times, so the sum of the single needs exceeds the need of the batch
 * at any time, by 1.4 to 2 times on real traces. The forecast ({@link UsageForecast}) adds means
 * and variances instead. The margin adapts ({@link SafetyMargin}, with a proof of stability):
 * preemptions raise it by the tokens that they cost, steps without preemptions lower it, and the
 * cost of a token is learned from the times of steps. If all lengths are predicted exactly, and as
 * long as these predictions hold, the future peak is computed instead ({@link FuturePeak}), which
 * needs no margin.
 *
 * <p>The forecast needs predictions with a meaningful spread: wrap a predictor of single numbers in
 * a {@link dev.s3llm.predict.CalibratedPredictor}. Not thread-safe.
 */
public final class ForecastPlanner extends GrowingPlanner {
  private static final double DEFAULT_MOST_LOST = 0.021;

  private final double mostLost;
  private final UsageForecast forecast = new UsageForecast();
  private final SafetyMargin margin;
  private double capacityBlocks = 1;
  private double capacityTokens = 1;
  private boolean exact;

  /** Whether this plan has deferred a sequence whose present tokens would fit. */
  private boolean binding;

  private FuturePeak peak = new FuturePeak(1);

  /** Tokens to produce before exact predictions are trusted again; they were wrong before. */
  private double doubtTokens;

  /** Creates the planner with a limit of 2.1 percent on lost tokens. */
  public ForecastPlanner() {
    this(DEFAULT_MOST_LOST);
  }

  /**
   * Creates the planner.
   *
   * @param mostLost limit on the tokens lost to preemptions in the long run, as a share of the
   *     tokens produced while the margin defers sequences; above 0, below 1. Swapped tokens count
   *     by the cost of swapping, relative to recomputing
   * @throws IllegalArgumentException if the limit is out of range
   */
  public ForecastPlanner(double mostLost) {
    super("forecast");
    Preconditions.checkArgument(
        mostLost > 0 && mostLost < 1, "mostLost must be above 0 and below 1, but is %s", mostLost);
    this.mostLost = mostLost;
    this.margin = new SafetyMargin(mostLost);
  }

  /** Returns the present margin, in standard deviations of the batch's use; from 0.5 to 6. */
  public double marginDeviations() {
    return margin.deviations();
  }

  @Override
  public void stepCompleted(MemoryPlanner.StepCost cost) {
    doubtTokens = Math.max(0, doubtTokens + cost.lostTokens() / mostLost - cost.producedTokens());
    double deviation = forecast.deviationAtPeak(margin.deviations());
    margin.observe(cost, deviation / capacityBlocks, capacityTokens, binding);
  }

  @Override
  public void beginPlan(MemoryView view) {
    capacityBlocks = view.capacityBlocks();
    capacityTokens = capacityBlocks * view.blockTokens();
    forecast.update(view.running(), view.blockTokens());
    binding = false;
    exact = doubtTokens == 0 && forecast.exact();
    if (exact) {
      peak = FuturePeak.of(view, ForecastPlanner::exactOutput);
    }
  }

  @Override
  boolean fitsInFuture(SequenceView candidate, MemoryView view) {
    exact = exact && UsageForecast.exact(candidate);
    int capacity = view.capacityBlocks() - view.sharedBlocks();
    boolean fits =
        exact
            ? peak.admits(candidate, exactOutput(candidate), capacity)
            : view.empty() || forecast.fits(candidate, capacity, margin.deviations());
    if (fits) {
      forecast.join(candidate);
    } else {
      binding = true;
    }
    return fits;
  }

  /** Returns the output slots of a sequence whose canvas or length is known exactly. */
  private static int exactOutput(SequenceView sequence) {
    int canvas = sequence.slotsNeeded() - sequence.promptTokens();
    return sequence.canvas() && canvas > 0 ? canvas : sequence.prediction().maxTokens();
  }
}
