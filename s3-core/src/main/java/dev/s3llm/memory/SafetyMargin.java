package dev.s3llm.memory;

/**
 * The number z of standard deviations of the batch's use that the forecast keeps free. It is
 * adjusted so that the cost of preemptions balances the cost of idle memory.
 *
 * <p>Goal. If z deviations are kept free, a share z * s of memory is idle, where s is one deviation
 * divided by capacity, and a share r(z) of the produced tokens is lost to preemptions. A swapped
 * token counts by the cost of swapping relative to recomputing ({@link
 * MemoryPlanner.StepCost#recoveryTokens}). If one more token costs the share c of an average token
 * ({@link TokenCost}), a batch that is larger by one percent gains 1 - c percent. So the throughput
 * that is lost is {@code (1 - c) z s + c r(z)}. The tail of a sum of many sequences is nearly
 * normal, so r' = -z r, and the loss is least at {@code r = (1 - c) s / (c z)}. This is the target
 * share of lost tokens: large if computing is nearly free, small if it is not, and never above a
 * cap.
 *
 * <p>Control. {@code ln z} changes by {@code GAIN * (lost - aim * produced) / capacity}, all in
 * tokens, so in the long run the lost share equals the target. Tokens count as produced only in
 * steps in which the margin defers a sequence: in other steps idle memory costs nothing, and the
 * absence of preemptions carries no information.
 *
 * <p>Stability. The expected change has the sign of z r(z) - z aim(z). Above z = 1, z r(z) falls as
 * z rises, because r falls like exp(-z^2 / 2), while z * aim(z) is constant or, under the cap,
 * rises. Below z = 1 more is lost than the cap allows, so z rises. Hence there is one zero, with a
 * rising drift below it and a falling drift above it: the fixed point attracts from everywhere. (If
 * swaps are so cheap that even below z = 1 they cost less than the target, z falls to its bound.) A
 * single preemption loses at most one sequence's context, so a step cannot overshoot by more than
 * GAIN times that context's share of memory, in logarithm; noise around the fixed point is of that
 * order. Near the fixed point an error fades within about {@code capacity / (GAIN * batch * z * z *
 * aim)} steps. This does not depend on the size of memory, as capacity over batch is a sequence's
 * context. Errors that affect a whole burst raise z with the first preemptions, in proportion to
 * their cost, before the rest of the burst is admitted. z is bounded, so that no history can stop
 * all admissions or take too long to correct.
 *
 * <p>Not thread-safe.
 */
final class SafetyMargin {
  /** Change of ln z for a loss as large as the whole memory. */
  private static final double GAIN = 2;

  /** Lower bound of z. */
  private static final double LEAST = 0.5;

  /** Upper bound of z. */
  private static final double MOST = 6;

  /** Lower bound of the target share: with a smaller one the margin would hardly ever fall. */
  private static final double LEAST_AIM = 5e-4;

  private final double mostLost;
  private final TokenCost cost = new TokenCost();
  private double z = 1.5;

  /**
   * Creates the margin.
   *
   * @param mostLost cap on the cost of preemptions, in tokens to prefill over tokens produced;
   *     above 0, below 1
   */
  SafetyMargin(double mostLost) {
    this.mostLost = mostLost;
  }

  /** Returns z, from 0.5 to 6. */
  double deviations() {
    return z;
  }

  /**
   * Adjusts z after a step.
   *
   * @param step cost of the step
   * @param deviation one standard deviation of the batch's use, as a share of capacity
   * @param capacityTokens token slots on the device, above 0
   * @param binding whether the margin defers a sequence; otherwise idle memory costs nothing
   */
  void observe(
      MemoryPlanner.StepCost step, double deviation, double capacityTokens, boolean binding) {
    cost.observe(step);
    double allowed = binding ? aim(deviation) * step.producedTokens() : 0;
    double excess = step.recoveryTokens() - allowed;
    z = Math.max(LEAST, Math.min(MOST, z * Math.exp(GAIN * excess / capacityTokens)));
  }

  /**
   * Returns the target share of lost tokens, as tokens lost to preemptions over tokens produced.
   *
   * @param deviation one standard deviation of the batch's use, as a share of capacity
   */
  double aim(double deviation) {
    double share = cost.share();
    double best = (1 - share) * deviation / (share * z); // infinite where tokens cost nothing
    return Double.isNaN(best)
        ? mostLost
        : Math.max(Math.min(LEAST_AIM, mostLost), Math.min(mostLost, best));
  }
}
