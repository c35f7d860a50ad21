package dev.s3llm.scenario;

import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;

/** What the engine tells about itself equals the ledger and what clients saw (25). */
final class SnapshotTruth extends Checker {
  @Override
  void passed(Seen seen) {
    EngineSnapshot told = seen.snapshot();
    same("live", told.requests().live(), seen.live().size());
    same("waiting", told.requests().waiting(), seen.ledger().waiting());
    same("running", told.requests().running(), seen.ledger().running());
    same(
        "predicting",
        told.requests().predicting(),
        told.requests().live() - told.requests().waiting() - told.requests().running());
    same("reserved", told.memory().reservedBlocks(), seen.ledger().device().reserved());
    same("allocated", told.memory().allocatedBlocks(), seen.ledger().device().allocated());
    same("swapped", told.memory().hostAllocatedBlocks(), seen.ledger().host().allocated());
  }

  @Override
  void over(Scenario scenario) {
    EngineSnapshot told = scenario.ledger().snapshot();
    long[] ended = new long[FinishReason.values().length];
    long tokens = 0;
    for (Client client : scenario.clients()) {
      ended[client.result.finishReason().ordinal()]++;
      tokens += client.result.outputTokens();
    }
    same("submitted", told.requests().submitted(), scenario.clients().size());
    same("stopped", told.requests().ended().stopped(), ended[FinishReason.STOP.ordinal()]);
    same(
        "cut at the limit",
        told.requests().ended().cutAtLimit(),
        ended[FinishReason.LENGTH.ordinal()]);
    same("cancelled", told.requests().ended().cancelled(), ended[FinishReason.CANCELLED.ordinal()]);
    same("timed out", told.requests().ended().timedOut(), ended[FinishReason.TIMEOUT.ordinal()]);
    same("failed", told.requests().ended().failed(), ended[FinishReason.FAILED.ordinal()]);
    same("output tokens", told.work().outputTokens(), tokens);
    if (scenario.setting().tellsAll()) {
      same("dropped events", told.faults().droppedEvents(), 0);
    }
  }

  private void same(String what, long told, long seen) {
    if (told != seen) {
      fail("%s: told %d, seen %d", what, told, seen);
    }
  }
}
