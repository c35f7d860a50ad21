package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.observe.FinishReason;
import java.util.Arrays;
import java.util.Map;

/**
 * Each step that samples has the mask of the tokens before it, stop tokens may come where the
 * answer is complete, and a finished answer keeps its constraint.
 */
final class Constraints extends Checker {
  private final Map<String, Client> clients;

  Constraints(Map<String, Client> clients) {
    this.clients = clients;
  }

  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    for (SequenceStep step : batch.sequences()) {
      Client client = clients.get(Ledger.requestId(step));
      if (client != null && step.samples()) {
        long[] due = client.request.tokenConstraint().map(rule -> mask(client, step)).orElse(null);
        if (!Arrays.equals(due, step.allowedTokens())) {
          fail(
              "%s may draw %s instead of %s after %d tokens",
              client.id(),
              Arrays.toString(step.allowedTokens()),
              Arrays.toString(due),
              step.committedTokens());
        }
      }
    }
  }

  private static long[] mask(Client client, SequenceStep step) {
    int[] output = new int[step.committedTokens()];
    for (int i = 0; i < output.length; i++) {
      output[i] = step.token(step.promptTokens() + i);
    }
    TokenConstraint.State state = after(client, output);
    long mask = state.mask(step.maxNewTokens() - output.length)[0];
    for (int stop : client.request.stopTokens()) {
      mask = state.complete() ? mask | 1L << stop : mask & ~(1L << stop);
    }
    return new long[] {mask};
  }

  private static TokenConstraint.State after(Client client, int... output) {
    TokenConstraint.State state = client.request.tokenConstraint().orElseThrow().start();
    for (int token : output) {
      state = state.after(token);
    }
    return state;
  }

  @Override
  void result(Client client) {
    int[] output = client.result.tokens();
    if (client.request.tokenConstraint().isEmpty()) {
      return;
    }
    boolean stopped =
        output.length > 0
            && Arrays.binarySearch(client.request.stopTokens(), output[output.length - 1]) >= 0;
    int[] kept = stopped ? Arrays.copyOf(output, output.length - 1) : output;
    boolean complete = after(client, kept).complete();
    FinishReason reason = client.result.finishReason();
    if (reason == FinishReason.STOP && !complete) {
      fail("%s ended with STOP, and is not complete", client.id());
    }
    if (reason == FinishReason.LENGTH && complete) {
      fail("%s ended with LENGTH, and is complete", client.id());
    }
  }
}
