package dev.s3llm.execute;

import dev.s3llm.error.ExecutorLostException;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Runs steps of a model over batches of sequences. Inference engines implement this interface.
 *
 * <p>Contract:
 *
 * <ul>
 *   <li>{@link #execute} returns at once; the engine plans the next step while this one runs. At
 *       most one step is in flight.
 *   <li>Within a step the order is: copy out {@link StepBatch#swapOuts()}, then copy in {@link
 *       StepBatch#swapIns()}, then run the model. A block that is copied out may be written by the
 *       same step.
 *   <li>The batch and all objects reachable from it may be read until the returned stage completes,
 *       and not after.
 *   <li>The tokens of a sequence depend on that sequence alone, never on its neighbours in the
 *       batch, nor on how often it starts over.
 *   <li>A step commits any number of tokens for a sequence that samples, none included, and says
 *       how many KV slots the sequence needs next ({@link StepResult}).
 *   <li>A stage that completes exceptionally, an {@code execute} that throws, and a result that
 *       does not fit the batch ({@link StepResult}) fail the requests of exactly that batch. An
 *       {@link ExecutorLostException} also ends the engine: no further step can run.
 * </ul>
 *
 * <p>The engine calls {@code execute} from one thread. The stage may complete on any thread.
 */
public interface Executor extends AutoCloseable {

  /** Returns the memory and the limits of this executor, which never change. From any thread. */
  ExecutorProfile profile();

  /**
   * Starts one step.
   *
   * @param batch the sequences and copies of this step
   * @return a stage that completes with one result for each sequence of the batch
   * @throws ExecutorLostException if no further step can run; the stage may fail with it instead
   */
  CompletionStage<StepResult> execute(StepBatch batch);

  /**
   * Receives that all KV of a sequence is lost: the sequence has ended, in any way, or starts over
   * with its next step, at position 0 or after blocks that it shares. An executor that keeps state
   * by sequence id drops it. Called once for each loss, between two steps, from the thread that
   * calls {@link #execute}. Not called when KV is copied to host memory, nor after {@link #close}.
   * What it throws is counted and ignored. Does nothing by default.
   *
   * @param sequenceId id of a sequence that was in a step before
   */
  default void released(long sequenceId) {}

  /**
   * Returns the thread that runs steps, if there is one; none by default. When a step does not end,
   * the engine's watchdog reports the name and the stack of this thread. From any thread.
   */
  default Optional<Thread> stepThread() {
    return Optional.empty();
  }

  /** Releases the model and its memory. Idempotent. The engine calls it when no step is running. */
  @Override
  void close();
}
