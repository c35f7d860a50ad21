package dev.s3llm.scenario;

import java.util.EnumSet;
import java.util.Random;
import java.util.Set;

/** Decides which faults strike, and counts them. Deterministic for its random numbers. */
final class FaultPlan {
  private final Random random;
  private final Set<Fault.Group> groups;
  private final long[] counts = new long[Fault.values().length];
  private boolean on = true;

  FaultPlan(Random random, Set<Fault.Group> groups) {
    this.random = random;
    this.groups = groups;
  }

  /** The groups of a scenario: none of them in one of eight, each with its own chance otherwise. */
  static Set<Fault.Group> draw(Random random) {
    EnumSet<Fault.Group> groups = EnumSet.noneOf(Fault.Group.class);
    boolean calm = random.nextInt(8) == 0;
    for (Fault.Group group : Fault.Group.values()) {
      boolean rare =
          group == Fault.Group.LOSS
              || group == Fault.Group.SHUTDOWN
              || group == Fault.Group.CALLBACKS;
      boolean chosen = random.nextInt(rare ? 5 : 2) == 0;
      if (chosen && !calm) {
        groups.add(group);
      }
    }
    return groups;
  }

  /** Whether this fault strikes now, which it does once in so many times if it is switched on. */
  boolean strikes(Fault fault, int oneIn) {
    if (!on || !groups.contains(fault.group) || random.nextInt(oneIn) > 0) {
      return false;
    }
    note(fault);
    return true;
  }

  /** Counts a fault that somebody else decided on. */
  void note(Fault fault) {
    counts[fault.ordinal()]++;
  }

  /** Whether faults of this kind can strike. */
  boolean enabled(Fault.Group group) {
    return groups.contains(group);
  }

  /** No fault strikes from now on. */
  void stop() {
    on = false;
  }

  boolean stopped() {
    return !on;
  }

  long count(Fault fault) {
    return counts[fault.ordinal()];
  }
}
