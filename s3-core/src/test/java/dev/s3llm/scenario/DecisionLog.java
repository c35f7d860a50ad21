package dev.s3llm.scenario;

import dev.s3llm.observe.EngineEvent;

/**
 * Everything that happened in a run, as a hash; printed line by line as well when it is replayed.
 */
final class DecisionLog {
  private final boolean prints;
  private long hash = 17;

  DecisionLog(boolean prints) {
    this.prints = prints;
  }

  void add(String kind, String what) {
    hash = 31 * (31 * hash + kind.hashCode()) + what.hashCode();
    if (prints) {
      System.out.println(kind + ": " + what);
    }
  }

  /** Notes an event; its text costs time, so the most frequent one is noted by its numbers. */
  void add(EngineEvent event) {
    if (event instanceof EngineEvent.StepCompleted step && !prints) {
      add(step.nanos());
      add(step.step());
      add(step.newTokens());
    } else {
      add("event", event.toString());
    }
  }

  void add(long number) {
    hash = 31 * hash + number;
  }

  long hash() {
    return hash;
  }
}
