package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;

/**
 * Packs by what the batch will need over time: a candidate joins while the batch's forecast use,
 * with a margin of z standard deviations, stays within capacity at every horizon. Nothing is
 * reserved beyond present tokens, so no memory waits for tokens that may never come.
 *
 * <p>Sequences end at different times, so the sum of what each may need overstates what all need at
 * once, by 1.4 to 2 times on real traces. The forecast ({@link UsageForecast}) adds means and
 * variances instead; the margin ({@link SafetyMargin}, which also says why it is stable) steers
 * itself: preemptions raise it by the tokens that they cost, quiet lowers it, and what a token
 * costs is learned from the times of steps. Where all lengths are known exactly, and as long as
 * that holds true, the future peak is computed instead ({@link FuturePeak}) and no margin is
 * needed.
 *
 * <p>Needs predictions whose spread means something: wrap a predictor of single numbers in a {@link
 * dev.s3llm.predict.CalibratedPredictor}. Not thread-safe.
 */
public final class ForecastPlanner extends GrowingPlanner {
  private static final double DEFAULT_MOST_LOST = 0.021;

  private final double mostLost;
  private final UsageForecast forecast = new UsageForecast();
  private final SafetyMargin margin;
  private double capacityBlocks = 1;
  private double capacityTokens = 1;
  private boolean exact;

  /** Whether the plan at hand leaves somebody waiting who would fit at present. */
  private boolean binding;

  private FuturePeak peak = new FuturePeak(1);

  /** Tokens to be produced before lengths that claim to be exact are believed again. */
  private double doubtTokens;

  /** Creates the planner; at most 2.1 percent of tokens may be computed again while it binds. */
  public ForecastPlanner() {
    this(DEFAULT_MOST_LOST);
  }

  /**
   * Creates the planner.
   *
   * @param mostLost tokens that preemptions may have computed again in the long run, even where
   *     that takes no time, over tokens produced while the margin keeps somebody waiting; those
   *     swapped count by what swapping costs instead. Above 0, below 1
   */
  public ForecastPlanner(double mostLost) {
    super("forecast");
    if (!(mostLost > 0 && mostLost < 1)) {
      throw new IllegalArgumentException(
          "mostLost must be above 0 and below 1, but is " + mostLost);
    }
    this.mostLost = mostLost;
    this.margin = new SafetyMargin(mostLost);
  }

  /** Standard deviations kept free at present. */
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
      peak = FuturePeak.of(view, sequence -> sequence.prediction().maxTokens());
    }
  }

  @Override
  boolean fitsInFuture(SequenceView candidate, MemoryView view) {
    exact = exact && UsageForecast.exact(candidate);
    boolean alone = view.availableBlocks() == view.capacityBlocks();
    boolean fits =
        exact
            ? peak.admits(candidate, candidate.prediction().maxTokens(), view.capacityBlocks())
            : alone || forecast.fits(candidate, view.capacityBlocks(), margin.deviations());
    if (fits) {
      forecast.join(candidate);
    } else {
      binding = true;
    }
    return fits;
  }
}
