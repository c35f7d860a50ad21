package dev.s3llm.scenario;

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

  void add(long number) {
    hash = 31 * hash + number;
  }

  long hash() {
    return hash;
  }
}
