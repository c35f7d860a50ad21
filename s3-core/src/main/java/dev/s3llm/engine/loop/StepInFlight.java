package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.StepBatch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A step that is launched and then run by the executor: its sequences, its block copies, its work,
 * and the leases that must stay open until it has ended, because the executor may still use their
 * blocks.
 */
final class StepInFlight {
  private final long number;
  private final long launchedNanos;
  private final List<Sequence> sequences;
  private final List<Sequence> swappedOut = new ArrayList<>();
  private final List<StepBatch.BlockCopy> swapOuts = new ArrayList<>();
  private final List<StepBatch.BlockCopy> swapIns = new ArrayList<>();
  private final List<KvBlockPool.Lease> fenced = new ArrayList<>();
  private final List<Sequence> ended = new ArrayList<>(0);
  private final StepWork work = new StepWork();

  StepInFlight(long number, long launchedNanos, int expectedSequences) {
    this.sequences = new ArrayList<>(expectedSequences);
    this.number = number;
    this.launchedNanos = launchedNanos;
  }

  /** Returns the number of the step, counted from 0. */
  long number() {
    return number;
  }

  /** Returns the time of the launch, in nanoseconds of the engine's clock. */
  long launchedNanos() {
    return launchedNanos;
  }

  /** Returns the sequences that compute, in batch order; a read-only view. */
  List<Sequence> sequences() {
    return Collections.unmodifiableList(sequences);
  }

  /** Adds a sequence that computes this many positions. */
  void compute(Sequence sequence, int tokens) {
    sequences.add(sequence);
    work.computes(tokens, sequence.stepEnd());
  }

  /** Returns the sequences whose KV the step copies to host memory. */
  List<Sequence> swappedOut() {
    return Collections.unmodifiableList(swappedOut);
  }

  /** Adds a sequence whose KV the step copies to host memory, in these copies. */
  void swapOut(Sequence sequence, List<StepBatch.BlockCopy> copies) {
    swappedOut.add(sequence);
    swapOuts.addAll(copies);
  }

  /** Adds a copy of a block to host memory that belongs to no sequence. */
  void swapOut(StepBatch.BlockCopy copy) {
    swapOuts.add(copy);
  }

  /** Adds a copy of a block from host memory to the device. */
  void swapIn(StepBatch.BlockCopy copy) {
    swapIns.add(copy);
  }

  /**
   * Returns the batch for the executor.
   *
   * @param waiting number of requests that wait
   */
  StepBatch batch(int waiting) {
    return new StepBatch(
        number, Collections.unmodifiableList(sequences), swapOuts, swapIns, waiting);
  }

  /** Returns what the step computes and loses. */
  StepWork work() {
    return work;
  }

  /** Adds a sequence that has ended during the step: the executor is told after it. */
  void endedMeanwhile(Sequence sequence) {
    ended.add(sequence);
  }

  /** Returns the sequences that have ended during the step. */
  List<Sequence> endedMeanwhile() {
    return Collections.unmodifiableList(ended);
  }

  /** Keeps a lease open until the step has ended, and closes it then. */
  void fence(KvBlockPool.Lease lease) {
    fenced.add(lease);
  }

  /** Returns the leases that wait for the end of the step. */
  List<KvBlockPool.Lease> fenced() {
    return Collections.unmodifiableList(fenced);
  }

  /** Closes the leases that waited for the end of the step. */
  void releaseFenced() {
    for (KvBlockPool.Lease lease : fenced) {
      lease.close();
    }
    fenced.clear();
  }
}
