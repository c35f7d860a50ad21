package dev.s3llm.observe;

import dev.s3llm.predict.LengthPrediction;
import java.util.List;

/**
 * Who holds which KV blocks and who waits for some: a consistent picture that the engine's loop
 * takes of itself between two changes. Immutable. The engine may have gone on since.
 *
 * @param nanos when, in nanoseconds of the engine's clock
 * @param blockTokens token slots of a block
 * @param capacityBlocks KV blocks on the device, numbered from 0
 * @param heldBlocks of those, holding tokens; more than what is listed as running holds if more
 *     than {@value #MOST_LISTED} run, or while the step in flight may touch blocks of requests that
 *     have ended
 * @param running who holds blocks, in the order of admission, the first {@value #MOST_LISTED}
 * @param waiting who waits for memory, in the order in which they would be admitted if all fitted
 *     now, the first {@value #MOST_LISTED}
 */
public record EngineInspection(
    long nanos,
    int blockTokens,
    int capacityBlocks,
    int heldBlocks,
    List<Running> running,
    List<Waiting> waiting) {

  /** So many of those that run, and of those that wait, are listed. */
  public static final int MOST_LISTED = 512;

  /** Copies the lists. */
  public EngineInspection {
    running = List.copyOf(running);
    waiting = List.copyOf(waiting);
  }

  /**
   * A request that holds KV memory.
   *
   * @param waitedNanos from its submission to its latest admission
   * @param outputTokens tokens delivered
   * @param prediction what the planners work with
   * @param reservedBlocks blocks that it may use without asking again
   * @param blocks numbers of those that it holds, in the order of its tokens
   * @param preemptions how often it lost its blocks
   */
  public record Running(
      String requestId,
      String tenant,
      long waitedNanos,
      int promptTokens,
      int outputTokens,
      int maxNewTokens,
      LengthPrediction prediction,
      int reservedBlocks,
      List<Integer> blocks,
      int preemptions) {}

  /**
   * A request that waits for KV memory.
   *
   * @param waitingNanos since its submission, or since it was preempted
   * @param outputTokens tokens delivered before it was preempted
   * @param prediction what the planners work with
   * @param preemptions how often it lost its blocks
   * @param reason why it still waits
   */
  public record Waiting(
      String requestId,
      String tenant,
      long waitingNanos,
      int promptTokens,
      int outputTokens,
      int maxNewTokens,
      LengthPrediction prediction,
      int preemptions,
      String reason) {}
}
