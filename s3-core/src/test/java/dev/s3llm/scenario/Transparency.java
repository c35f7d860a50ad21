package dev.s3llm.scenario;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.testkit.HashExecutor;
import java.util.Arrays;

/**
 * A request gets the same tokens as it would alone in the engine, whatever else is preempted,
 * predicted, cancelled or failed (12, 14, 15).
 */
final class Transparency extends Checker {
  private final HashExecutor.Decoding decoding;

  Transparency(HashExecutor.Decoding decoding) {
    this.decoding = decoding;
  }

  @Override
  void result(Client client) {
    int[] expected =
        client
            .request
            .tokenConstraint()
            .map(rule -> constrained(client, rule))
            .orElseGet(() -> free(client));
    check(client, expected);
  }

  private static int[] constrained(Client client, TokenConstraint rule) {
    return HashExecutor.expected(
        rule,
        client.request.promptTokens(),
        client.request.sampling(),
        client.request.maxNewTokens(),
        client.request.stopTokens(),
        Setting.VOCABULARY);
  }

  private int[] free(Client client) {
    return HashExecutor.expected(
        decoding,
        client.request.input().orElse(null),
        client.request.promptTokens(),
        client.request.sampling(),
        client.request.maxNewTokens(),
        client.request.stopTokens(),
        Setting.VOCABULARY);
  }

  private void check(Client client, int... expected) {
    int[] actual = client.result.tokens();
    FinishReason reason = client.result.finishReason();
    boolean whole = reason == FinishReason.STOP || reason == FinishReason.LENGTH;
    int[] due =
        whole ? expected : Arrays.copyOf(expected, Math.min(actual.length, expected.length));
    if (!Arrays.equals(actual, due)) {
      fail(
          "%s (%s) got %s instead of %s",
          client.id(), reason, Arrays.toString(actual), Arrays.toString(due));
    }
  }
}
