package dev.s3llm.scenario;

import java.util.EnumSet;
import java.util.Random;
import java.util.Set;

/** Decides which faults strike, and counts them. Deterministic for a given source of numbers. */
final class FaultPlan {
  private final Random random;
  private final Set<Fault.Group> groups;
  private final long[] counts = new long[Fault.values().length];
  private boolean on = true;

  FaultPlan(Random random, Set<Fault.Group> groups) {
    this.random = random;
    this.groups = groups;
  }

  /**
   * Draws the enabled groups: none in one of eight scenarios, otherwise each with its own chance.
   */
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

  /** Returns whether this fault strikes now: on average once in {@code oneIn} calls, if enabled. */
  boolean strikes(Fault fault, int oneIn) {
    if (!on || !groups.contains(fault.group) || random.nextInt(oneIn) > 0) {
      return false;
    }
    note(fault);
    return true;
  }

  /** Counts a fault that its caller has decided on. */
  void note(Fault fault) {
    counts[fault.ordinal()]++;
  }

  /** Returns whether faults of this group can strike. */
  boolean enabled(Fault.Group group) {
    return groups.contains(group);
  }

  /** Disables all faults from now on. */
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
