package dev.s3llm.engine.sequence;

/**
 * How often a sequence was preempted, and what follows for its next admission. Bounds the number of
 * preemptions: each one doubles the output that the next reservation covers. A displacement, by
 * which another sequence takes the place, does not: the policy bounds how many there are.
 */
final class PreemptionRecord {
  private int outgrown;
  private int displacements;
  private int limit = Integer.MAX_VALUE;
  private int outputFloor;
  private int generatedAtAdmission;

  /** Returns the number of preemptions so far, displacements included. */
  int count() {
    return outgrown + displacements;
  }

  /** Returns how often another sequence took the place. */
  int displacements() {
    return displacements;
  }

  /**
   * Returns the output tokens that the next reservation must cover; 0 before the first preemption.
   */
  int outputFloorTokens() {
    return outputFloor;
  }

  /** Returns whether the limit is reached, so that no further preemption is allowed. */
  boolean exempt() {
    return outgrown >= limit;
  }

  /**
   * Sets how many preemptions are allowed, displacements not counted; 0 or more, unbounded until
   * then.
   */
  void limitTo(int most) {
    limit = most;
  }

  /** Records an admission of a sequence that has generated this many tokens. */
  void admitted(int generatedTokens) {
    generatedAtAdmission = generatedTokens;
  }

  /** Returns whether a sequence that has generated this many tokens has progressed since then. */
  boolean progressed(int generatedTokens) {
    return generatedTokens > generatedAtAdmission;
  }

  /**
   * Records a preemption because a reservation was too small.
   *
   * @param coveredTokens output tokens that the lost reservation covered
   * @param maxNewTokens the sequence's output limit
   */
  void preempted(int coveredTokens, int maxNewTokens) {
    outgrown++;
    long doubled = 2L * Math.max(1, coveredTokens);
    outputFloor = (int) Math.min(maxNewTokens, Math.max(outputFloor, doubled));
  }

  /** Records a preemption by which another sequence takes the place. */
  void displaced() {
    displacements++;
  }
}
