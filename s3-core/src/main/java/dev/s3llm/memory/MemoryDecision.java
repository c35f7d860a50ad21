package dev.s3llm.memory;

/** A planner's answer to a sequence that needs memory. Immutable. */
public sealed interface MemoryDecision {

  /** Returns the reason for logs and events: constant text without data of the request. */
  String reason();

  /**
   * Sets memory aside.
   *
   * @param reservedBlocks KV blocks of the sequence's whole reservation, prompt included; at least
   *     1
   * @param reason reason for this amount
   */
  record Reserve(int reservedBlocks, String reason) implements MemoryDecision {}

  /**
   * Sets no memory aside for now.
   *
   * @param neededBlocks KV blocks that would have to be available, for logs and events; more than
   *     are available
   * @param reason reason for the deferral
   */
  record Defer(int neededBlocks, String reason) implements MemoryDecision {}
}
