package dev.s3llm.testkit;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A reference executor whose next token is a hash of the sequence's KV contents. Any fault in a
 * sequence's KV (a write by another sequence, a wrong resume, a copy to a wrong block) changes its
 * tokens, and {@link #expected} returns the correct ones. The executor does its work when the step
 * completes, not when it is launched, so a test detects memory that is given back too early.
 *
 * <p>Not thread-safe.
 */
public final class HashExecutor implements Executor {
  private static final long EMPTY = 0xDEADL;

  private final ExecutorProfile profile;
  private final long[] device;
  private final long[] host;
  private StepBatch pending;
  private CompletableFuture<StepResult> completion;
  private boolean closed;

  /**
   * Creates the executor with empty memory.
   *
   * @param profile memory and limits
   */
  public HashExecutor(ExecutorProfile profile) {
    this.profile = profile;
    this.device = new long[profile.blockCount() * profile.blockTokens()];
    this.host = new long[profile.hostBlockCount() * profile.blockTokens()];
    java.util.Arrays.fill(device, EMPTY);
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    if (pending != null) {
      throw new AssertionError("a second step was launched while a step is in flight");
    }
    pending = batch;
    completion = new CompletableFuture<>();
    return completion;
  }

  /** Returns whether the executor was closed. */
  public boolean closed() {
    return closed;
  }

  /** Returns whether a step is in flight. */
  public boolean busy() {
    return pending != null;
  }

  /** Runs the step in flight and completes it. */
  public void complete() {
    StepBatch batch = pending;
    CompletableFuture<StepResult> stage = completion;
    StepResult result = new StepResult(run(batch), Map.of());
    pending = null;
    stage.complete(result);
  }

  /**
   * Completes the step in flight with an error, without doing any of its work.
   *
   * @param error the failure of the step
   */
  public void fail(Throwable error) {
    CompletableFuture<StepResult> stage = completion;
    pending = null;
    stage.completeExceptionally(error);
  }

  /**
   * Does the work of a step now, and returns its tokens.
   *
   * @param batch the step
   */
  public int[] run(StepBatch batch) {
    batch.swapOuts().forEach(copy -> copy(device, copy.deviceBlock(), host, copy.hostBlock()));
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      copy(host, copy.hostBlock(), device, copy.deviceBlock());
    }
    int[] tokens = new int[batch.sequences().size()];
    for (int i = 0; i < tokens.length; i++) {
      write(batch.sequences().get(i));
    }
    for (int i = 0; i < tokens.length; i++) {
      SequenceStep sequence = batch.sequences().get(i);
      tokens[i] = sequence.samples() ? next(sequence) : StepResult.NO_TOKEN;
    }
    return tokens;
  }

  /**
   * Does a part of the work of a step, like a step that fails before its end.
   *
   * @param batch the step
   * @param copies number of copies to host memory to do, 0 or more
   * @param writes number of sequences whose KV to write, 0 or more
   */
  public void runPartly(StepBatch batch, int copies, int writes) {
    for (StepBatch.BlockCopy copy :
        batch.swapOuts().subList(0, Math.min(copies, batch.swapOuts().size()))) {
      copy(device, copy.deviceBlock(), host, copy.hostBlock());
    }
    for (SequenceStep s :
        batch.sequences().subList(0, Math.min(writes, batch.sequences().size()))) {
      write(s);
    }
  }

  private void copy(long[] from, int fromBlock, long[] to, int toBlock) {
    int size = profile.blockTokens();
    System.arraycopy(from, fromBlock * size, to, toBlock * size, size);
  }

  private void write(SequenceStep sequence) {
    int end = sequence.startPosition() + sequence.tokenCount();
    for (int position = sequence.startPosition(); position < end; position++) {
      device[slot(sequence, position)] = content(sequence.token(position), position);
    }
  }

  private int next(SequenceStep sequence) {
    int end = sequence.startPosition() + sequence.tokenCount();
    long hash = sequence.sampling().seed();
    for (int position = 0; position < end; position++) {
      hash = mix(hash ^ device[slot(sequence, position)]);
    }
    return (int) Long.remainderUnsigned(hash, profile.vocabularySize());
  }

  private int slot(SequenceStep sequence, int position) {
    int size = profile.blockTokens();
    return sequence.block(position / size) * size + position % size;
  }

  /**
   * Returns the tokens that a request must produce, whatever other requests the engine runs.
   *
   * @param prompt token ids of the prompt
   * @param sampling sampling parameters
   * @param maxNew output limit in tokens, at least 1
   * @param stops ids of the stop tokens, ascending
   * @param vocabulary size of the vocabulary, at least 1
   */
  public static int[] expected(
      int[] prompt, SamplingParameters sampling, int maxNew, int[] stops, int vocabulary) {
    int[] output = new int[maxNew];
    long[] kv = new long[prompt.length + maxNew];
    for (int i = 0; i < prompt.length; i++) {
      kv[i] = content(prompt[i], i);
    }
    for (int n = 0; n < maxNew; n++) {
      long hash = sampling.seed();
      for (int i = 0; i < prompt.length + n; i++) {
        hash = mix(hash ^ kv[i]);
      }
      output[n] = (int) Long.remainderUnsigned(hash, vocabulary);
      if (java.util.Arrays.binarySearch(stops, output[n]) >= 0) {
        return java.util.Arrays.copyOf(output, n + 1);
      }
      kv[prompt.length + n] = content(output[n], prompt.length + n);
    }
    return output;
  }

  private static long content(int token, int position) {
    return mix(token * 1_000_003L + position);
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  @Override
  public void close() {
    closed = true;
  }
}
