package dev.s3llm.memory;

/**
 * How many standard deviations of the batch's use the forecast keeps free, steered by what
 * preemptions cost against what idle memory costs.
 *
 * <p>The goal. With z deviations kept free, a share z * s of memory stands idle, s being one
 * deviation over capacity, and a share r(z) of the tokens produced is lost to preemptions; one that
 * is swapped counts by what swapping costs beside recomputing it ({@link
 * MemoryPlanner.StepCost#recoveryTokens}). Memory is worth what it adds to the batch: where a token
 * more costs the share c of an average one ({@link TokenCost}), a batch larger by one percent gains
 * 1 - c percent. So throughput falls short by {@code (1 - c) z s + c r(z)}. The tail of a sum of
 * many sequences is nearly normal, so r' = -z r, and the loss is least where {@code r = (1 - c) s /
 * (c z)}. That is the share of lost tokens aimed at: much where computing is free, little where it
 * is not, and never more than a cap.
 *
 * <p>The steering. {@code ln z} changes by {@code GAIN * (lost - aim * produced) / capacity}, all
 * in tokens, so in the long run the share lost is the share aimed at. Only steps in which the
 * margin keeps somebody waiting count as produced: elsewhere idle memory costs nothing, and quiet
 * teaches nothing.
 *
 * <p>Stability. The expected change has the sign of z r(z) - z aim(z). Above z = 1, z r(z) falls as
 * z rises, because r falls like exp(-z^2 / 2), while z * aim(z) is constant or, under the cap,
 * rises; below z = 1 more is lost than the cap allows, so z rises. Hence one zero, with a rising
 * drift below and a falling drift above it: the fixed point attracts from everywhere. (Where swaps
 * are so cheap that even there they cost less than the aim, z falls to its bound.) A single
 * preemption loses at most one sequence's context, so a step cannot overshoot by more than GAIN
 * times that context's share of memory, in logarithm; noise around the fixed point is of that
 * order. Near the fixed point an error fades within about {@code capacity / (GAIN * batch * z * z *
 * aim)} steps, which does not depend on the size of memory, as capacity over batch is a sequence's
 * context. Errors that hit a whole burst raise z with the first preemptions, in proportion to what
 * they cost, before the rest of the burst is admitted; z is bounded, so that no history can close
 * the device or be unlearned too late.
 *
 * <p>Not thread-safe.
 */
final class SafetyMargin {
  private static final double GAIN = 2;
  private static final double LEAST = 0.5;
  private static final double MOST = 6;

  /** The least share aimed at: with less, quiet would never lower the margin. */
  private static final double LEAST_AIM = 5e-4;

  private final double mostLost;
  private final TokenCost cost = new TokenCost();
  private double z = 1.5;

  /**
   * Creates the margin.
   *
   * @param mostLost cap on what preemptions cost, in tokens to prefill, over tokens produced
   */
  SafetyMargin(double mostLost) {
    this.mostLost = mostLost;
  }

  double deviations() {
    return z;
  }

  /**
   * Takes a step into account.
   *
   * @param deviation one standard deviation of the batch's use, over capacity
   * @param binding whether the margin keeps somebody waiting; idle memory costs nothing otherwise
   */
  void observe(
      MemoryPlanner.StepCost step, double deviation, double capacityTokens, boolean binding) {
    cost.observe(step);
    double allowed = binding ? aim(deviation) * step.producedTokens() : 0;
    double excess = step.recoveryTokens() - allowed;
    z = Math.max(LEAST, Math.min(MOST, z * Math.exp(GAIN * excess / capacityTokens)));
  }

  /** Tokens that should be lost to preemptions, over tokens produced. */
  double aim(double deviation) {
    double share = cost.share();
    double best = (1 - share) * deviation / (share * z); // infinite where tokens cost nothing
    return Double.isNaN(best)
        ? mostLost
        : Math.max(Math.min(LEAST_AIM, mostLost), Math.min(mostLost, best));
  }
}
