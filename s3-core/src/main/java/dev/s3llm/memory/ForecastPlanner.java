package dev.s3llm.memory;

import java.util.HashMap;
import java.util.Map;

/**
 * Packs by what the batch will need over time: a candidate joins while the batch's forecast use,
 * with a margin of z standard deviations, stays within capacity at every horizon. Nothing is
 * reserved beyond present tokens, so no memory waits for tokens that may never come.
 *
 * <p>Sequences end at different times, so the sum of what each may need overstates what all need at
 * once, by 1.4 to 2 times on real traces. The forecast ({@link UsageForecast}) adds means and
 * variances instead; the margin ({@link SafetyMargin}) steers itself by the tokens that preemptions
 * cost. Where all lengths are known exactly the future peak is computed instead ({@link
 * FuturePeak}) and no margin is needed.
 *
 * <p>Needs predictions whose spread means something: wrap a predictor of single numbers in a {@link
 * dev.s3llm.predict.CalibratedPredictor}. Not thread-safe.
 */
public final class ForecastPlanner extends GrowingPlanner {
  private static final double DEFAULT_LOSS_SHARE = 0.01;

  /** Sequences remembered as preempted, beyond which the loss of some is not counted. */
  private static final int MAX_REMEMBERED = 1 << 16;

  /** Share of memory that an admission leaves free, for sequences that cross a block at once. */
  private static final double FREE_SHARE = 0.01;

  private final UsageForecast forecast = new UsageForecast();
  private final SafetyMargin margin;
  private final Map<Long, Integer> preemptionsSeen = new HashMap<>();
  private double capacityTokens = 1;
  private boolean exact;
  private FuturePeak peak = new FuturePeak(1);

  /** Creates the planner; one percent of the tokens may be lost to preemptions. */
  public ForecastPlanner() {
    this(DEFAULT_LOSS_SHARE);
  }

  /**
   * Creates the planner.
   *
   * @param lossShare tokens whose KV preemptions may cost, over tokens produced; above 0, below 1
   */
  public ForecastPlanner(double lossShare) {
    super("forecast");
    if (!(lossShare > 0 && lossShare < 1)) {
      throw new IllegalArgumentException(
          "lossShare must be above 0 and below 1, but is " + lossShare);
    }
    this.margin = new SafetyMargin(lossShare);
  }

  /** Standard deviations kept free at present. */
  public double marginDeviations() {
    return margin.deviations();
  }

  @Override
  public void beginPlan(MemoryView view) {
    capacityTokens = (double) view.capacityBlocks() * view.blockTokens();
    margin.produced(view.running().size(), capacityTokens);
    forecast.update(view.running(), view.blockTokens());
    exact = forecast.exact();
    if (exact) {
      peak = FuturePeak.of(view, sequence -> sequence.prediction().maxTokens());
    }
  }

  @Override
  boolean fitsInFuture(SequenceView candidate, MemoryView view) {
    countLoss(candidate);
    if (exact && UsageForecast.exact(candidate)) {
      return peak.admits(candidate, candidate.prediction().maxTokens(), view.capacityBlocks());
    }
    exact = false;
    boolean alone = view.availableBlocks() == view.capacityBlocks();
    double free = alone ? 0 : FREE_SHARE * view.capacityBlocks();
    double capacity = view.capacityBlocks() - free;
    boolean fits = alone || forecast.fits(candidate, capacity, margin.deviations());
    if (fits) {
      if (alone) {
        forecast.fits(candidate, capacity, 0);
      }
      forecast.join();
      preemptionsSeen.remove(candidate.sequenceId());
    }
    return fits;
  }

  /** A candidate that was preempted since it was seen last has cost its tokens. */
  private void countLoss(SequenceView candidate) {
    int preemptions = candidate.preemptions();
    if (preemptions == 0 || preemptionsSeen.size() > MAX_REMEMBERED) {
      return;
    }
    Integer before = preemptionsSeen.put(candidate.sequenceId(), preemptions);
    if (before == null) {
      margin.lost(candidate.contextTokens(), capacityTokens);
    }
  }
}
