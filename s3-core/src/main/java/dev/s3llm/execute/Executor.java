package dev.s3llm.execute;

import dev.s3llm.error.ExecutorLostException;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Runs steps of a model over batches of sequences. This is the SPI that inference engines
 * implement.
 *
 * <p>Contract:
 *
 * <ul>
 *   <li>{@link #execute} returns at once; the engine plans the next step while this one runs. At
 *       most one step is in flight.
 *   <li>Within a step the order is: copy out {@link StepBatch#swapOuts()}, then copy in {@link
 *       StepBatch#swapIns()}, then run the model. A block that is copied out may be written by the
 *       same step.
 *   <li>The batch and everything it hands out may be read until the returned stage completes, and
 *       not after.
 *   <li>A sequence's tokens depend on that sequence alone, never on its neighbours in the batch.
 *   <li>A stage that completes exceptionally fails exactly that batch; with {@link
 *       ExecutorLostException} the executor declares that it cannot run any further step.
 * </ul>
 *
 * <p>The engine calls {@code execute} from one thread. The stage may complete on any thread.
 */
public interface Executor extends AutoCloseable {

  /** What this executor offers; constant over its life. */
  ExecutorProfile profile();

  /**
   * Starts one step.
   *
   * @param batch the sequences and copies of this step
   * @return completes with one result for each sequence of the batch
   */
  CompletionStage<StepResult> execute(StepBatch batch);

  /**
   * The thread that runs steps, where there is one: should a step never end, the engine's watchdog
   * names it and says what it does. None by default. From any thread.
   */
  default Optional<Thread> stepThread() {
    return Optional.empty();
  }

  /** Releases the model and its memory. Idempotent. The engine calls it once no step runs. */
  @Override
  void close();
}
