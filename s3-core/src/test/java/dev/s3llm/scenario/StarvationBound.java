package dev.s3llm.scenario;

import dev.s3llm.observe.EngineEvent;
import java.util.LinkedHashMap;
import java.util.Map;

/** No request is overtaken by later ones of its tenant more often than the policy allows (11). */
final class StarvationBound extends Checker {
  private final Map<String, Client> clients;
  private final int bound;
  private final boolean active;
  private final Map<String, Client> waiting = new LinkedHashMap<>();

  StarvationBound(Map<String, Client> clients, Setting setting) {
    this.clients = clients;
    this.bound = setting.order().maxOvertakes();
    this.active = setting.deliversAllEvents();
  }

  @Override
  void event(EngineEvent event) {
    if (!active) {
      return;
    }
    if (event instanceof EngineEvent.Queued queued) {
      waiting.put(queued.requestId(), clients.get(queued.requestId()));
    } else if (event instanceof EngineEvent.Preempted preempted) {
      Client client = clients.get(preempted.requestId());
      if (client.request.tokenConstraint().isEmpty()) { // it may have to wait for its mask first
        waiting.put(preempted.requestId(), client);
      }
    } else if (event instanceof EngineEvent.Ended ended) {
      waiting.remove(ended.requestId());
    } else if (event instanceof EngineEvent.Admitted admitted) {
      waiting.remove(admitted.requestId());
      admitted(clients.get(admitted.requestId()));
    }
  }

  private void admitted(Client client) {
    for (Client other : waiting.values()) {
      boolean same = other.request.tenant().equals(client.request.tenant());
      if (same && other.arrival < client.arrival && ++other.overtakes > bound) {
        fail("%s was overtaken %d times, by %s too", other.id(), other.overtakes, client.id());
      }
    }
  }
}
