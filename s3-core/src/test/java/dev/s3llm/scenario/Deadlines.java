package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.observe.FinishReason;
import java.util.Map;

/** A request times out at its deadline: not later, and not earlier (6). */
final class Deadlines extends Checker {
  private final Map<String, Client> clients;

  private long nextNanos = Long.MAX_VALUE;

  Deadlines(Map<String, Client> clients) {
    this.clients = clients;
  }

  @Override
  void passed(Seen seen) {
    nextNanos = Long.MAX_VALUE;
    for (Ledger.Entry entry : seen.live()) {
      Client client = clients.get(entry.requestId());
      if (client != null && client.deadlineNanos() <= seen.now()) {
        fail("%s is live after its deadline", entry.requestId());
      }
      if (client != null) {
        nextNanos = Math.min(nextNanos, client.deadlineNanos());
      }
    }
  }

  @Override
  void asleep(long now) {
    if (nextNanos <= now) {
      fail("the loop sleeps over the deadline at %d", nextNanos);
    }
  }

  @Override
  void result(Client client) {
    boolean early =
        client.submittedNanos + client.result.total().toNanos() < client.deadlineNanos();
    if (client.result.finishReason() == FinishReason.TIMEOUT && early) {
      fail("%s timed out before its deadline", client.id());
    }
  }
}
