package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.error.FirstTokenTooLateException;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.observe.FinishReason;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * A failure ends the requests that it concerns, in the next pass, and no others: the failure of a
 * step ends its batch, the failure of a sequence that sequence, the loss of the executor all (19,
 * 20).
 */
final class Containment extends Checker {
  private final Map<String, Client> clients;
  private final Checkers.RunnerView world;
  private final Set<Long> struck = new HashSet<>();
  private final Map<Long, String> mustFail = new HashMap<>();
  private int struckAtPass;
  private int lostAtPass = Integer.MAX_VALUE;

  Containment(Map<String, Client> clients, Checkers.RunnerView world) {
    this.clients = clients;
    this.world = world;
  }

  @Override
  void completed(StepBatch batch, Completion completion, int index) {
    struckAtPass = world.runner().passes();
    switch (completion) {
      case GOOD -> {}
      case ONE_FAILS -> strike(batch.sequences().get(index));
      case BATCH_FAILS -> batch.sequences().forEach(this::strike);
      case EXECUTOR_LOST -> lostAtPass = Math.min(lostAtPass, struckAtPass);
    }
  }

  private void strike(SequenceStep step) {
    struck.add(step.sequenceId());
    Client client = clients.get(Ledger.requestId(step));
    if (client != null) {
      client.mayFail = true;
    }
    if (new Ledger(world.runner().loop()).isLive(step.sequenceId())) {
      mustFail.put(step.sequenceId(), Ledger.requestId(step));
    }
  }

  @Override
  void engineLost() {
    lostAtPass = Math.min(lostAtPass, world.runner().passes() - 1);
  }

  @Override
  void passed(Seen seen) {
    if (seen.pass() > struckAtPass) {
      for (Ledger.Entry entry : seen.live()) {
        if (struck.contains(entry.sequenceId())) {
          fail("%s survives the failure of its step", entry.requestId());
        }
      }
    }
    if (seen.pass() > lostAtPass) {
      if (!seen.live().isEmpty()) {
        fail("%s survives the engine", seen.live().get(0).requestId());
      }
      if (seen.snapshot().healthy()) {
        fail("the engine is lost, and reports that it is healthy");
      }
    } else if (!seen.snapshot().healthy()) {
      fail("the engine is lost without a cause");
    }
  }

  @Override
  void result(Client client) {
    FinishReason reason = client.result.finishReason();
    boolean lost = lostAtPass != Integer.MAX_VALUE || client.failedByClose();
    if (reason == FinishReason.FAILED && !client.mayFail && !lost && !refusedToWait(client)) {
      fail("%s failed without a fault of its own: %s", client.id(), client.result.failure());
    }
    boolean whole = reason == FinishReason.STOP || reason == FinishReason.LENGTH;
    if (whole && mustFail.containsValue(client.id())) {
      fail("%s ended with %s, and its step failed", client.id(), reason);
    }
  }

  private static boolean refusedToWait(Client client) {
    return client.refusesToWait()
        && client.result.failure().orElse(null) instanceof FirstTokenTooLateException;
  }
}
