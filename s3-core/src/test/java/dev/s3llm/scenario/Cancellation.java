package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.observe.FinishReason;
import java.util.Map;

/** A cancellation takes effect in the next pass, and no other request is cancelled (17). */
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
        fail("%s was cancelled and is still live", entry.requestId());
      }
    }
  }

  @Override
  void result(Client client) {
    boolean requested = client.cancelledAtPass != Integer.MAX_VALUE || client.cancelledByClose();
    if (client.result.finishReason() == FinishReason.CANCELLED && !requested) {
      fail("%s was cancelled without a request to do so", client.id());
    }
  }
}
