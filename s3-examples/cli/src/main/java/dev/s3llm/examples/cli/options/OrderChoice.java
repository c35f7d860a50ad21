package dev.s3llm.examples.cli.options;

import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Queue orders that the option {@code --order} offers. */
public enum OrderChoice {
  /** First come, first served. */
  FCFS("fcfs", SchedulingPolicies::firstComeFirstServed, SchedulingPolicies::firstComeFirstServed),
  /** Order of arrival; smaller ones pass a request that does not fit. */
  FCFS_SKIP(
      "fcfs-skip",
      SchedulingPolicies::firstComeFirstServedSkipping,
      SchedulingPolicies::firstComeFirstServedSkipping),
  /** Decreasing first fit. */
  DFF("dff", SchedulingPolicies::decreasingFirstFit, SchedulingPolicies::decreasingFirstFit),
  /** Shortest predicted first. */
  SPF(
      "spf",
      SchedulingPolicies::shortestPredictedFirst,
      SchedulingPolicies::shortestPredictedFirst),
  /** Least attained service first. */
  ATTAINED(
      "attained",
      SchedulingPolicies::leastAttainedServiceFirst,
      SchedulingPolicies::leastAttainedServiceFirst),
  /** Least work first: prompt tokens to compute and expected output. */
  WORK("work", SchedulingPolicies::leastWorkFirst, SchedulingPolicies::leastWorkFirst),
  /** Least tail-inflated mean first. */
  TAIL("tail", SchedulingPolicies::leastTailFirst, SchedulingPolicies::leastTailFirst),
  /** Smallest volume first: memory times steps. */
  VOLUME(
      "volume", SchedulingPolicies::smallestVolumeFirst, SchedulingPolicies::smallestVolumeFirst),
  /** Earliest deadline first. */
  EDF("edf", SchedulingPolicies::earliestDeadlineFirst, SchedulingPolicies::earliestDeadlineFirst),
  /** Least slack first: time to the deadline less the expected service. */
  SLACK("slack", SchedulingPolicies::leastSlackFirst, SchedulingPolicies::leastSlackFirst);

  private final String label;

  @SuppressWarnings("ImmutableEnumChecker") // the references above have no state
  private final Supplier<SchedulingPolicy> byDefault;

  @SuppressWarnings("ImmutableEnumChecker") // the references above have no state
  private final IntFunction<SchedulingPolicy> bounded;

  OrderChoice(
      String label, Supplier<SchedulingPolicy> byDefault, IntFunction<SchedulingPolicy> bounded) {
    this.label = label;
    this.byDefault = byDefault;
    this.bounded = bounded;
  }

  /**
   * Returns the order with this name.
   *
   * @param label the name, as in {@code --help}
   * @throws UsageException if there is no such order
   */
  public static OrderChoice named(String label) {
    return Arrays.stream(values())
        .filter(choice -> choice.label.equals(label))
        .findFirst()
        .orElseThrow(() -> new UsageException("--order " + label + ": must be one of " + labels()));
  }

  private static String labels() {
    return Arrays.stream(values()).map(OrderChoice::toString).collect(Collectors.joining(", "));
  }

  /** Creates the order with its default bound on overtaking. */
  public SchedulingPolicy create() {
    return byDefault.get();
  }

  /**
   * Creates the order.
   *
   * @param maxOvertakes how many requests may pass a waiting one, at least 1
   */
  public SchedulingPolicy create(int maxOvertakes) {
    return bounded.apply(maxOvertakes);
  }

  @Override
  public String toString() {
    return label;
  }
}
