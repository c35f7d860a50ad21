package dev.s3llm.memory;

import dev.s3llm.memory.MemoryDecision.Defer;
import dev.s3llm.memory.MemoryDecision.Reserve;
import dev.s3llm.schedule.SequenceView;

/**
 * Base of planners that reserve room for a whole expected output at admission. They differ only in
 * the output length that they expect. A sequence that outgrows its reservation gets room for at
 * least twice the output.
 */
abstract class ReservingPlanner implements MemoryPlanner {
  private static final int GROWTH_FACTOR = 2;

  private final String name;
  private final String reason;

  ReservingPlanner(String name, String reason) {
    this.name = name;
    this.reason = reason;
  }

  /** Returns the whole output length that this planner expects of the sequence, in tokens. */
  abstract int expectedOutput(SequenceView sequence);

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final int admissionBlocks(SequenceView candidate, MemoryView view) {
    int output = Math.max(expectedOutput(candidate), candidate.outputFloorTokens());
    output = Math.max(output, outputNeeded(candidate));
    return view.blocksFor(candidate.promptTokens() + Math.min(output, candidate.maxNewTokens()));
  }

  @Override
  public final MemoryDecision admit(SequenceView candidate, MemoryView view) {
    return reserve(admissionBlocks(candidate, view), view.availableBlocks());
  }

  @Override
  public final MemoryDecision grow(SequenceView sequence, MemoryView view) {
    int covered =
        (int) ((long) sequence.reservedBlocks() * view.blockTokens()) - sequence.promptTokens();
    long doubled = (long) GROWTH_FACTOR * Math.max(1, covered);
    long output = Math.max(doubled, sequence.outputFloorTokens());
    output = Math.max(output, outputNeeded(sequence));
    int tokens =
        sequence.promptTokens()
            + (int) Math.min(Math.max(output, expectedOutput(sequence)), sequence.maxNewTokens());
    int blocks = view.blocksFor(tokens);
    return reserve(blocks, view.availableBlocks() + sequence.reservedBlocks());
  }

  /** Returns the output slots that the sequence will have at least: its canvas, or a token more. */
  private static int outputNeeded(SequenceView sequence) {
    return Math.max(
        sequence.generatedTokens() + 1, sequence.slotsNeeded() - sequence.promptTokens());
  }

  private MemoryDecision reserve(int blocks, int within) {
    return blocks <= within
        ? new Reserve(blocks, reason)
        : new Defer(blocks, "not enough free KV blocks");
  }
}
