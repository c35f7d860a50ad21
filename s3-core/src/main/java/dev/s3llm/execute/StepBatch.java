package dev.s3llm.execute;

import java.util.List;

/**
 * The work of one step. The lists may be read, from any thread, until the step completes.
 *
 * @param step the step's number, from 0, ascending within an engine
 * @param sequences the sequences to run, each at most once; empty if the step only copies
 * @param swapOuts blocks to copy from the device to host memory, before the step writes any block
 * @param swapIns blocks to copy from host memory to the device, before the model runs
 * @param waiting number of requests that waited for admission when the step was launched, 0 or
 *     more; an executor that was asked to may do less for a request while others wait
 */
public record StepBatch(
    long step,
    List<SequenceStep> sequences,
    List<BlockCopy> swapOuts,
    List<BlockCopy> swapIns,
    int waiting) {

  /**
   * Creates a batch while no request waits.
   *
   * @param step the step's number, from 0, ascending within an engine
   * @param sequences the sequences to run, each at most once; empty if the step only copies
   * @param swapOuts blocks to copy from the device to host memory, before the step writes any block
   * @param swapIns blocks to copy from host memory to the device, before the model runs
   */
  public StepBatch(
      long step, List<SequenceStep> sequences, List<BlockCopy> swapOuts, List<BlockCopy> swapIns) {
    this(step, sequences, swapOuts, swapIns, 0);
  }

  /**
   * Returns the number of tokens that the model processes in this step, positions of canvases
   * included.
   *
   * @throws ArithmeticException if the number exceeds an {@code int}
   */
  public int newTokens() {
    int tokens = 0;
    for (SequenceStep sequence : sequences) {
      tokens = Math.addExact(tokens, sequence.tokenCount());
    }
    return tokens;
  }

  /**
   * A copy of one KV block between device and host memory. Immutable.
   *
   * @param sequenceId id of the sequence that owns the block; {@link #NO_SEQUENCE} for a block that
   *     is copied to host memory because a later request may begin with its tokens
   * @param deviceBlock number of the block on the device, from 0
   * @param hostBlock number of the block in the swap space, from 0
   */
  public record BlockCopy(long sequenceId, int deviceBlock, int hostBlock) {
    /** The id of a block that belongs to no sequence. */
    public static final long NO_SEQUENCE = -1;
  }
}
