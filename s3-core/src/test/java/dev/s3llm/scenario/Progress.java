package dev.s3llm.scenario;

/**
 * Waiting work and an idle executor never meet for longer than a pass (9), and the loop does not
 * sleep over work or alarms.
 */
final class Progress extends Checker {
  private int idlePasses;

  @Override
  void passed(Seen seen) {
    boolean work = seen.ledger().waiting() + seen.ledger().running() > 0;
    boolean idle = !seen.ledger().stepInFlight() && seen.snapshot().healthy();
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
