package dev.s3llm.scenario;

import dev.s3llm.GenerationRequest;
import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.HashMap;
import java.util.Map;

/**
 * A sequence reads only KV that requests of its own tenant or salt have computed (22). The checker
 * keeps for each block who wrote to it last.
 */
final class Isolation extends Checker {
  private final Map<String, Client> clients;
  private final int blockTokens;
  private final Map<Integer, String> written = new HashMap<>();
  private final Map<Integer, String> saved = new HashMap<>();

  Isolation(Map<String, Client> clients, int blockTokens) {
    this.clients = clients;
    this.blockTokens = blockTokens;
  }

  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      saved.put(copy.hostBlock(), written.getOrDefault(copy.deviceBlock(), "nobody"));
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      written.put(copy.deviceBlock(), saved.getOrDefault(copy.hostBlock(), "nobody"));
    }
    for (SequenceStep step : batch.sequences()) {
      String scope = scope(step);
      int first = step.startPosition() / blockTokens;
      int end = step.startPosition() + step.tokenCount();
      for (int i = 0; i * blockTokens < end; i++) {
        boolean reads = i < first || (i == first && step.startPosition() % blockTokens > 0);
        String writer = written.get(step.block(i));
        if (reads && !scope.equals(writer)) {
          fail(
              "%s of %s reads block %d of %s",
              Ledger.requestId(step), scope, step.block(i), writer);
        }
        if (i >= first) {
          written.put(step.block(i), scope);
        }
      }
    }
  }

  private String scope(SequenceStep step) {
    Client client = clients.get(Ledger.requestId(step));
    if (client == null) {
      return "alone " + step.sequenceId();
    }
    GenerationRequest request = client.request;
    return request.cacheSalt().map(salt -> "salt " + salt).orElse("tenant " + request.tenant());
  }
}
