package dev.s3llm.scenario;

import dev.s3llm.observe.EngineEvent;
import java.util.HashMap;
import java.util.Map;

/**
 * No request is preempted more than ceil(log2(limit / first reservation)) + 1 times, and as often
 * again as the order may displace it (10).
 */
final class PreemptionBound extends Checker {
  private final Map<String, Client> clients;
  private final Map<String, Integer> left = new HashMap<>();
  private final int blockTokens;
  private final int displacements;
  private final boolean active;

  PreemptionBound(Map<String, Client> clients, Setting setting) {
    this.clients = clients;
    this.blockTokens = setting.profile().blockTokens();
    this.displacements = setting.order().maxDisplacements();
    this.active = setting.deliversAllEvents();
  }

  @Override
  void event(EngineEvent event) {
    if (active && event instanceof EngineEvent.Admitted admitted) {
      left.computeIfAbsent(
          admitted.requestId(), id -> bound(clients.get(id), admitted.reservedBlocks()));
    } else if (active && event instanceof EngineEvent.Preempted preempted) {
      if (left.merge(preempted.requestId(), -1, Integer::sum) < 0) {
        fail("%s is preempted too often", preempted.requestId());
      }
    }
  }

  private int bound(Client client, int reservedBlocks) {
    int output = Math.max(1, reservedBlocks * blockTokens - client.request.promptLength());
    double doublings = Math.log((double) client.request.maxNewTokens() / output) / Math.log(2);
    return (int) Math.ceil(Math.max(0, doublings) - 1e-9) + 1 + displacements;
  }
}
