package dev.s3llm.scenario;

/**
 * The executor is not idle for more than one pass while requests wait or run (9), unless the mask
 * of a running one is late, and no alarm is left at the end.
 */
final class Progress extends Checker {
  private int idlePasses;

  @Override
  void passed(Seen seen) {
    boolean work = seen.ledger().waiting() + seen.ledger().running() > 0;
    boolean late = seen.ledger().awaitsMasks();
    boolean idle = !seen.ledger().stepInFlight() && seen.snapshot().healthy() && !late;
    idlePasses = work && idle ? idlePasses + 1 : 0;
    if (idlePasses > 1) {
      fail(
          "%d wait, %d run, and no step is launched",
          seen.ledger().waiting(), seen.ledger().running());
    }
  }

  @Override
  void over(Scenario scenario) {
    if (scenario.ledger().nextAlarmNanos() != Long.MAX_VALUE && !scenario.ledger().stepInFlight()) {
      fail("an alarm is set for a request that has ended");
    }
  }
}
