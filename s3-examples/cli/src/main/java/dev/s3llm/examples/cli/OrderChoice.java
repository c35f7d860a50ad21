package dev.s3llm.examples.cli;

import dev.s3llm.schedule.DecreasingFirstFit;
import dev.s3llm.schedule.FirstComeFirstServed;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.schedule.ShortestPredictedFirst;

/** Orders that {@code generate} offers. */
enum OrderChoice {
  FCFS("fcfs"),
  DFF("dff"),
  SPF("spf");

  private final String label;

  OrderChoice(String label) {
    this.label = label;
  }

  QueueOrder order() {
    return switch (this) {
      case FCFS -> new FirstComeFirstServed();
      case DFF -> new DecreasingFirstFit();
      case SPF -> new ShortestPredictedFirst();
    };
  }

  @Override
  public String toString() {
    return label;
  }
}
