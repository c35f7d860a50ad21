package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;

/** Each live request is in exactly one place, with the leases that belong to its state (7). */
final class OnePlace extends Checker {
  @Override
  void passed(Seen seen) {
    int waiting = 0;
    int running = 0;
    for (Ledger.Entry entry : seen.live()) {
      boolean waits = entry.state().equals("WAITING");
      boolean runs = entry.state().equals("RUNNING");
      boolean apart = entry.state().equals("PREDICTING") || entry.state().equals("PARKED");
      if (entry.queued() != waits
          || entry.listed() != runs
          || apart == (waits || runs)
          || runs != (entry.deviceBlocks() != null)) {
        fail("%s", entry);
      }
      if (entry.swappedTokens() > 0 && entry.hostBlocks() == null) {
        fail("%s has tokens in host memory and no lease there", entry.requestId());
      }
      waiting += waits ? 1 : 0;
      running += runs ? 1 : 0;
    }
    if (seen.ledger().waiting() != waiting || seen.ledger().running() != running) {
      fail(
          "%d wait and %d run, but the queue counts %d and the batch %d",
          waiting, running, seen.ledger().waiting(), seen.ledger().running());
    }
  }

  @Override
  void over(Scenario scenario) {
    if (scenario.ledger().tenants() > 0) {
      fail("%d tenants without sequences are kept", scenario.ledger().tenants());
    }
  }
}
