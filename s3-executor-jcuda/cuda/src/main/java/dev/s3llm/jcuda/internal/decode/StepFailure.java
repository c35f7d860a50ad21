package dev.s3llm.jcuda.internal.decode;

import java.util.List;
import java.util.Optional;

/**
 * What a launch of {@code decode_step.cu} reports of a wait that took too long.
 *
 * @param code {@code 1 + (phase << 16 | awaited << 12 | block)}, where awaited is 0, or 1 + another
 *     card that did not come; 0 where no wait did
 */
record StepFailure(int code) {
  private static final int SECOND_NORM = 4;

  /** Names of a layer's phases, in the order of the kernel. */
  private static final List<String> PHASES =
      List.of(
          "the first norm",
          "queries, keys and values",
          "attention",
          "the output of attention",
          "the second norm",
          "gate and up",
          "the activation",
          "down");

  /** Returns whether a wait for blocks of the own card took too long. */
  boolean ofOwnBlocks() {
    return code != 0 && awaited() == 0;
  }

  /** Returns the other card for which the launch waited in vain, and the meeting. */
  Optional<CardWatch.Missed> missed() {
    if (code == 0 || awaited() == 0) {
      return Optional.empty();
    }
    int before = StepCards.MEETINGS * layer() - (phase() == SECOND_NORM ? 0 : 1);
    return Optional.of(new CardWatch.Missed(awaited() - 1, before));
  }

  /**
   * Returns the message of a failure.
   *
   * @param limitNanos time that the launch might wait
   */
  String message(long limitNanos) {
    return "the decode step waited for more than %d s: block %d in %s of layer %d of its stage; other work on the GPU may keep its blocks from running at once; from now on a step is a launch for each part"
        .formatted(
            limitNanos / 1_000_000_000L, (code - 1) & 0xFFF, PHASES.get(phase()), layer() + 1);
  }

  private int awaited() {
    return (code - 1) >>> 12 & 0xF;
  }

  /** Returns the phase within its layer. */
  private int phase() {
    return ((code - 1) >>> 16) % PHASES.size();
  }

  /** Returns the layer of the stage, from 0. */
  private int layer() {
    return ((code - 1) >>> 16) / PHASES.size();
  }
}
