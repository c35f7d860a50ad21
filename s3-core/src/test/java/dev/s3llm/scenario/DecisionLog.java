package dev.s3llm.scenario;

import dev.s3llm.observe.EngineEvent;

/** The log of a run: a hash of everything that happened. In a replay it is also printed. */
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

  /** Adds an event. The most frequent one is added as numbers, because its text costs time. */
  void add(EngineEvent event) {
    if (event instanceof EngineEvent.StepCompleted step && !prints) {
      add(step.nanos());
      add(step.step());
      add(step.newTokens());
    } else if (event instanceof EngineEvent.Refused refused) {
      add("event", "refused: " + refused.reason()); // its id may be a random one
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
