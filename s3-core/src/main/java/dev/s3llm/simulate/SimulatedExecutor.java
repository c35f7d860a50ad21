package dev.s3llm.simulate;

import dev.s3llm.NanoClock;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * An executor without a model. A step completes when the virtual clock has advanced by the time
 * that the cost model gives. A sequence produces {@link #GO_ON_TOKEN} until its true length, and
 * then {@link #STOP_TOKEN}. The last token of its prompt is the index of the request, which gives
 * the true length. With passes over a canvas in its profile, it is a masked decoder: the request is
 * an {@link Input}, and all tokens come in the last pass.
 *
 * <p>Not thread-safe: the thread that advances the clock is the only user.
 */
final class SimulatedExecutor implements Executor {
  /** The last token of an answer. */
  public static final int STOP_TOKEN = 0;

  /** Every other token of an answer. */
  public static final int GO_ON_TOKEN = 1;

  /** Prompt tokens are indices of requests, so all values are allowed. */
  public static final int VOCABULARY_SIZE = Integer.MAX_VALUE;

  /** The last token of the thinking of an answer. */
  static final int END_OF_THINKING = 2;

  private static final int SMALLEST_CANVAS = 8;

  private final ExecutorProfile profile;
  private final CostModel costs;
  private final NanoClock clock;
  private final IntUnaryOperator outputTokens;
  private final IntUnaryOperator thinkingTokens;

  /** Number of passes made over the canvas of a sequence, by its id. */
  private final Map<Long, Integer> passes = new HashMap<>();

  private @Nullable CompletableFuture<StepResult> pending;
  private StepResult result = StepResult.of();
  private long dueNanos = Long.MAX_VALUE;

  /**
   * Creates an executor.
   *
   * @param profile memory and limits
   * @param costs model of the time of a step
   * @param clock the virtual clock
   * @param outputTokens returns the true output length by the index of a request
   * @param thinkingTokens returns how many of these are thinking, by the index of a request
   */
  SimulatedExecutor(
      ExecutorProfile profile,
      CostModel costs,
      NanoClock clock,
      IntUnaryOperator outputTokens,
      IntUnaryOperator thinkingTokens) {
    this.profile = profile;
    this.costs = costs;
    this.clock = clock;
    this.outputTokens = outputTokens;
    this.thinkingTokens = thinkingTokens;
  }

  /**
   * Creates an executor whose answers do not think.
   *
   * @param profile memory and limits
   * @param costs model of the time of a step
   * @param clock the virtual clock
   * @param outputTokens returns the true output length by the index of a request
   */
  public SimulatedExecutor(
      ExecutorProfile profile, CostModel costs, NanoClock clock, IntUnaryOperator outputTokens) {
    this(profile, costs, clock, outputTokens, i -> 0);
  }

  /**
   * The prompt of a request for a masked decoder.
   *
   * @param index index of the request
   * @param slots length of the prompt, at least 1
   */
  record Input(int index, int slots) implements SequenceStep.Input {}

  /**
   * Returns the positions of the canvas that a masked decoder takes for an answer: the first of 8,
   * 16, 32 and so on that holds it.
   *
   * @param outputTokens length of the answer in tokens, at least 1
   * @param maxNewTokens output limit in tokens, at least 1; the canvas is not longer
   */
  static int canvas(int outputTokens, int maxNewTokens) {
    int length = SMALLEST_CANVAS;
    while (length < Math.min(outputTokens, maxNewTokens)) {
      length *= 2;
    }
    return Math.min(length, maxNewTokens);
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if a step is in flight
   */
  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    if (pending != null) {
      throw new IllegalStateException(
          "step " + batch.step() + " was launched while a step is in flight");
    }
    result = run(batch.sequences());
    dueNanos = Math.addExact(clock.nanos(), costs.stepNanos(batch, profile.bytesPerBlock()));
    CompletableFuture<StepResult> future = new CompletableFuture<>();
    pending = future;
    return future;
  }

  /** Returns the time at which the step in flight completes; {@link Long#MAX_VALUE} without one. */
  public long dueNanos() {
    return dueNanos;
  }

  /** Completes the step in flight if the clock has reached its end. */
  public void completeDue() {
    CompletableFuture<StepResult> due = pending;
    if (due != null && dueNanos <= clock.nanos()) {
      pending = null;
      dueNanos = Long.MAX_VALUE;
      due.complete(result);
    }
  }

  /** Fails the step in flight, if there is one. */
  @Override
  public void close() {
    CompletableFuture<StepResult> open = pending;
    pending = null;
    dueNanos = Long.MAX_VALUE;
    if (open != null) {
      open.completeExceptionally(new IllegalStateException("the executor is closed"));
    }
  }

  @Override
  public void released(long sequenceId) {
    passes.remove(sequenceId);
  }

  private StepResult run(List<SequenceStep> sequences) {
    if (profile.canvasPasses() > 0) {
      return pass(sequences);
    }
    int[] tokens = new int[sequences.size()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = next(sequences.get(i));
    }
    return StepResult.of(tokens);
  }

  private int next(SequenceStep sequence) {
    if (!sequence.samples()) {
      return StepResult.NO_TOKEN;
    }
    int length = sequence.startPosition() + sequence.tokenCount() - sequence.promptTokens() + 1;
    int index = sequence.token(sequence.promptTokens() - 1);
    if (length >= outputTokens.applyAsInt(index)) {
      return STOP_TOKEN;
    }
    return length == thinkingTokens.applyAsInt(index) ? END_OF_THINKING : GO_ON_TOKEN;
  }

  private StepResult pass(List<SequenceStep> sequences) {
    int size = sequences.size();
    int[] counts = new int[size];
    int[] slots = new int[size];
    int[] left = new int[size];
    int total = 0;
    for (int i = 0; i < size; i++) {
      SequenceStep sequence = sequences.get(i);
      int answer = answer(sequence);
      int made =
          passes.merge(sequence.sequenceId(), 1, Integer::sum) - 1; // the first is the prefill
      boolean last = made == profile.canvasPasses();
      counts[i] = last ? answer : 0;
      slots[i] = sequence.promptTokens() + canvas(answer, sequence.maxNewTokens());
      left[i] = profile.canvasPasses() - made;
      total += counts[i];
    }
    int[] tokens = new int[total];
    Arrays.fill(tokens, GO_ON_TOKEN);
    int end = 0;
    for (int count : counts) {
      end += count;
      if (count > 0) {
        tokens[end - 1] = STOP_TOKEN;
      }
    }
    return StepResult.committing(tokens, counts).slots(slots).stepsLeft(left).build();
  }

  private int answer(SequenceStep sequence) {
    if (sequence.input() instanceof Input input) {
      return outputTokens.applyAsInt(input.index());
    }
    throw new IllegalStateException(
        "sequence " + sequence.sequenceId() + " has no simulated input");
  }
}
