package dev.s3llm.scenario;

import java.util.Arrays;

/**
 * A stream delivers each token once, in order, one call at a time, not more than requested, and
 * none after the end (13).
 */
final class StreamIntegrity extends Checker {
  @Override
  void token(Client client, int token) {
    if (client.nesting > 1) {
      fail("%s got a token while it was busy with another", client.id());
    }
    if (client.streamEnds > 0 || client.unsubscribed) {
      fail("%s got a token after the end", client.id());
    }
    if (client.tokens.size() > client.demand) {
      fail("%s got %d tokens, but requested %d", client.id(), client.tokens.size(), client.demand);
    }
  }

  @Override
  void streamEnded(Client client, Throwable error) {
    if (client.unsubscribed && !client.misused) {
      fail("%s received the end after it had cancelled", client.id());
    }
  }

  @Override
  void over(Scenario scenario) {
    for (Client client : scenario.clients()) {
      int[] all = client.result.tokens();
      int[] streamed = client.tokens.stream().mapToInt(Integer::intValue).toArray();
      boolean whole = client.streamEnds == 1 && !client.misused;
      int[] due = whole ? all : Arrays.copyOf(all, Math.min(all.length, streamed.length));
      if (!Arrays.equals(streamed, due)) {
        fail(
            "%s streamed %s, its result is %s",
            client.id(), Arrays.toString(streamed), Arrays.toString(all));
      }
    }
  }
}
