package dev.s3llm.examples.cli.options;

import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.schedule.DecreasingFirstFit;
import dev.s3llm.schedule.FirstComeFirstServed;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.schedule.ShortestPredictedFirst;
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
  public QueueOrder create() {
    return switch (this) {
      case FCFS -> new FirstComeFirstServed();
      case DFF -> new DecreasingFirstFit();
      case SPF -> new ShortestPredictedFirst();
    };
  }

  /**
   * Creates the order.
   *
   * @param maxOvertakes how many requests may pass a waiting one, at least 1
   */
  public QueueOrder create(int maxOvertakes) {
    return switch (this) {
      case FCFS -> new FirstComeFirstServed(maxOvertakes);
      case DFF -> new DecreasingFirstFit(maxOvertakes);
      case SPF -> new ShortestPredictedFirst(maxOvertakes);
    };
  }

  @Override
  public String toString() {
    return label;
  }
}
