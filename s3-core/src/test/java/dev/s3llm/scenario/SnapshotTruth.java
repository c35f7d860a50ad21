package dev.s3llm.scenario;

import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;

/** Snapshots agree with the ledger and with what clients have received (25). */
final class SnapshotTruth extends Checker {
  @Override
  void passed(Seen seen) {
    EngineSnapshot reported = seen.snapshot();
    same("live", reported.requests().live(), seen.live().size());
    same("waiting", reported.requests().waiting(), seen.ledger().waiting());
    same("running", reported.requests().running(), seen.ledger().running());
    same(
        "predicting",
        reported.requests().predicting(),
        reported.requests().live() - reported.requests().waiting() - reported.requests().running());
    same("reserved", reported.memory().reservedBlocks(), seen.ledger().device().reserved());
    same("allocated", reported.memory().allocatedBlocks(), seen.ledger().device().allocated());
    same("swapped", reported.memory().hostAllocatedBlocks(), seen.ledger().host().allocated());
  }

  @Override
  void over(Scenario scenario) {
    EngineSnapshot reported = scenario.ledger().snapshot();
    long[] ended = new long[FinishReason.values().length];
    long tokens = 0;
    long preemptions = 0;
    long started = 0;
    for (Client client : scenario.clients()) {
      ended[client.result.finishReason().ordinal()]++;
      tokens += client.result.outputTokens();
      preemptions += client.result.preemptions();
      started += client.result.outputTokens() > 0 ? 1 : 0;
    }
    same("submitted", reported.requests().submitted(), scenario.clients().size());
    same("stopped", reported.requests().ended().stopped(), ended[FinishReason.STOP.ordinal()]);
    same(
        "cut at the limit",
        reported.requests().ended().cutAtLimit(),
        ended[FinishReason.LENGTH.ordinal()]);
    same(
        "cancelled",
        reported.requests().ended().cancelled(),
        ended[FinishReason.CANCELLED.ordinal()]);
    same(
        "timed out", reported.requests().ended().timedOut(), ended[FinishReason.TIMEOUT.ordinal()]);
    same("failed", reported.requests().ended().failed(), ended[FinishReason.FAILED.ordinal()]);
    same("output tokens", reported.work().outputTokens(), tokens);
    same("preemptions", reported.work().preemptions(), preemptions);
    same("queue times", reported.latency().queue().count(), scenario.clients().size());
    same("first token times", reported.latency().firstToken().count(), started);
    same(
        "total times",
        reported.latency().total().count(),
        reported.requests().ended().stopped() + reported.requests().ended().cutAtLimit());
    if (scenario.setting().deliversAllEvents()) {
      same("dropped events", reported.faults().droppedEvents(), 0);
    }
  }

  private void same(String what, long reported, long seen) {
    if (reported != seen) {
      fail("%s: reported %d, seen %d", what, reported, seen);
    }
  }
}
