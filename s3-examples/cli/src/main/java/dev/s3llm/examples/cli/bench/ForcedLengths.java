package dev.s3llm.examples.cli.bench;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.simulate.Trace;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/**
 * Executes real steps, and gives the answers the lengths of a trace. A model with random weights
 * does not end an answer by itself, so this executor replaces the token that should be the last by
 * the end-of-text token, and every earlier end-of-text token by another. The first token of a
 * prompt is the index of its request in the trace.
 *
 * <p>Does not own the executor: {@link #close} leaves it open for the next run.
 */
final class ForcedLengths extends ForwardingExecutor {
  /** The end-of-text token. */
  static final int END = 0;

  private static final int ANY_OTHER = 1;

  private final Trace trace;

  ForcedLengths(Executor executor, Trace trace) {
    super(executor);
    this.trace = trace;
  }

  /**
   * Returns a prompt whose first token is the index of its request; the others are arbitrary.
   *
   * @param index the request's index in the trace
   * @param request the request
   * @param vocabulary number of token ids, above the index
   */
  static int[] prompt(int index, Trace.Request request, int vocabulary) {
    int[] prompt = new int[request.promptTokens()];
    for (int i = 1; i < prompt.length; i++) {
      prompt[i] = (int) ((index * 7919L + i * 104_729L) % Math.min(30_000, vocabulary));
    }
    prompt[0] = index;
    return prompt;
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    return super.execute(batch).thenApply(result -> forced(batch, result));
  }

  private StepResult forced(StepBatch batch, StepResult result) {
    int[] tokens = result.tokens().clone();
    for (int i = 0; i < tokens.length; i++) {
      SequenceStep sequence = batch.sequences().get(i);
      if (sequence.samples()) {
        int drawn = sequence.startPosition() + sequence.tokenCount() + 1 - sequence.promptTokens();
        int length = trace.requests().get(sequence.token(0)).outputTokens();
        tokens[i] = drawn >= length ? END : tokens[i] == END ? ANY_OTHER : tokens[i];
      }
    }
    return StepResult.of(tokens, Map.of());
  }

  @Override
  public void close() {}
}
