package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.observe.FinishReason;
import java.util.Map;

/** A cancellation takes effect in the next pass, and nobody is cancelled unasked (17). */
final class Cancellation extends Checker {
  private final Map<String, Client> clients;

  Cancellation(Map<String, Client> clients) {
    this.clients = clients;
  }

  @Override
  void passed(Seen seen) {
    for (Ledger.Entry entry : seen.live()) {
      Client client = clients.get(entry.requestId());
      if (client != null && client.cancelledAtPass < seen.pass()) {
        fail("%s was cancelled and goes on", entry.requestId());
      }
    }
  }

  @Override
  void result(Client client) {
    boolean asked = client.cancelledAtPass != Integer.MAX_VALUE || client.cancelledByClose();
    if (client.result.finishReason() == FinishReason.CANCELLED && !asked) {
      fail("%s was cancelled unasked", client.id());
    }
  }
}
