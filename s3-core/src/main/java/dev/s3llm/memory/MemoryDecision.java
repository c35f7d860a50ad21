package dev.s3llm.memory;

/** What a planner says to a sequence that wants memory. */
public sealed interface MemoryDecision {

  /** Why; stable text without request data. */
  String reason();

  /**
   * Set memory aside.
   *
   * @param reservedBlocks the sequence's whole reservation, prompt included
   * @param reason why this much
   */
  record Reserve(int reservedBlocks, String reason) implements MemoryDecision {}

  /**
   * Not now.
   *
   * @param neededBlocks what it would have taken
   * @param reason what stands against it
   */
  record Defer(int neededBlocks, String reason) implements MemoryDecision {}
}
