package dev.s3llm.observe;

import dev.s3llm.predict.LengthPrediction;
import java.util.List;

/**
 * The requests that hold KV blocks and the requests that wait for them, at one moment between two
 * changes of the engine's state. Immutable; the engine's state may have changed since.
 *
 * @param nanos time of the inspection, in nanoseconds of the engine's clock
 * @param blockTokens token slots of a block, at least 1
 * @param capacityBlocks number of KV blocks on the device; blocks are numbered from 0
 * @param heldBlocks number of KV blocks that hold tokens. It is higher than the sum over {@code
 *     running} if more than {@value #MOST_LISTED} requests are running, or while the step in flight
 *     may touch blocks of requests that have ended
 * @param running the requests that hold blocks, in order of admission; the first {@value
 *     #MOST_LISTED}
 * @param waiting the requests that wait for memory, in the order in which they would be admitted if
 *     all fitted now; the first {@value #MOST_LISTED}
 */
public record EngineInspection(
    long nanos,
    int blockTokens,
    int capacityBlocks,
    int heldBlocks,
    List<Running> running,
    List<Waiting> waiting) {

  /** Largest number of running requests, and of waiting requests, that are listed. */
  public static final int MOST_LISTED = 512;

  /** Copies the lists. */
  public EngineInspection {
    running = List.copyOf(running);
    waiting = List.copyOf(waiting);
  }

  /**
   * What a request is, wherever it is.
   *
   * @param requestId the request's id
   * @param tenant name of its tenant; empty if it has none
   * @param promptTokens length of the prompt, in tokens
   * @param outputTokens number of tokens generated so far
   * @param maxNewTokens output limit, in tokens
   * @param prediction the latest prediction of its output length
   * @param preemptions how often it was preempted
   */
  public record Request(
      String requestId,
      String tenant,
      int promptTokens,
      int outputTokens,
      int maxNewTokens,
      LengthPrediction prediction,
      int preemptions) {}

  /**
   * A request that holds KV memory.
   *
   * @param request the request
   * @param waitedNanos nanoseconds from its submission to its latest admission
   * @param reservedBlocks number of KV blocks that it may use
   * @param blocks numbers of the KV blocks that it holds, in the order of its tokens
   */
  public record Running(
      Request request, long waitedNanos, int reservedBlocks, List<Integer> blocks) {}

  /**
   * A request that waits for KV memory.
   *
   * @param request the request
   * @param waitingNanos nanoseconds since its submission, or since its latest preemption
   * @param reason why it has not been admitted yet
   */
  public record Waiting(Request request, long waitingNanos, String reason) {}
}
