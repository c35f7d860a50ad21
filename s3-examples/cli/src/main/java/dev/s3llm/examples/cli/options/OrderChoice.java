package dev.s3llm.examples.cli.options;

import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.Arrays;

/** Queue orders that the option {@code --order} offers. */
public enum OrderChoice {
  /** First come, first served. */
  FCFS("fcfs"),
  /** Decreasing first fit. */
  DFF("dff"),
  /** Shortest predicted first. */
  SPF("spf");

  private final String label;

  OrderChoice(String label) {
    this.label = label;
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
        .orElseThrow(() -> new UsageException("--order " + label + ": must be fcfs, dff or spf"));
  }

  /** Creates the order with its default bound on overtaking. */
  public SchedulingPolicy create() {
    return switch (this) {
      case FCFS -> SchedulingPolicies.firstComeFirstServed();
      case DFF -> SchedulingPolicies.decreasingFirstFit();
      case SPF -> SchedulingPolicies.shortestPredictedFirst();
    };
  }

  /**
   * Creates the order.
   *
   * @param maxOvertakes how many requests may pass a waiting one, at least 1
   */
  public SchedulingPolicy create(int maxOvertakes) {
    return switch (this) {
      case FCFS -> SchedulingPolicies.firstComeFirstServed(maxOvertakes);
      case DFF -> SchedulingPolicies.decreasingFirstFit(maxOvertakes);
      case SPF -> SchedulingPolicies.shortestPredictedFirst(maxOvertakes);
    };
  }

  @Override
  public String toString() {
    return label;
  }
}
