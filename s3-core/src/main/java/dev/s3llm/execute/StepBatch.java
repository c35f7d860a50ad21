package dev.s3llm.execute;

import java.util.List;

/**
 * The work of one step. The lists may be read until the step completes.
 *
 * @param step the step's number, ascending within an engine
 * @param sequences the sequences to run, each at most once; may be empty when only copies are due
 * @param swapOuts blocks to copy from device to host before anything is written
 * @param swapIns blocks to copy from host to device before the model runs
 */
public record StepBatch(
    long step, List<SequenceStep> sequences, List<BlockCopy> swapOuts, List<BlockCopy> swapIns) {

  /** Tokens that the model processes in this step. */
  public int newTokens() {
    int tokens = 0;
    for (SequenceStep sequence : sequences) {
      tokens = Math.addExact(tokens, sequence.tokenCount());
    }
    return tokens;
  }

  /**
   * A copy of one KV block between device and host memory.
   *
   * @param sequenceId whose block it is
   * @param deviceBlock the block's number on the device
   * @param hostBlock the block's number in the swap space
   */
  public record BlockCopy(long sequenceId, int deviceBlock, int hostBlock) {}
}
