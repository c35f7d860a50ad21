package dev.s3llm.scenario;

/** Completions of steps that are not in flight are counted and otherwise ignored (18). */
final class LateCompletions extends Checker {
  private final Checkers.RunnerView world;
  private long repeated;

  LateCompletions(Checkers.RunnerView world) {
    this.world = world;
  }

  @Override
  void repeated() {
    repeated += world.runner().ended() ? 0 : 1;
  }

  @Override
  void passed(Seen seen) {
    if (seen.snapshot().faults().ignoredCompletions() > repeated) {
      fail("%d ignored, %d were repeated", seen.snapshot().faults().ignoredCompletions(), repeated);
    }
  }

  @Override
  void over(Scenario scenario) {
    long ignored = scenario.ledger().snapshot().faults().ignoredCompletions();
    if (ignored != repeated && !scenario.stoppedShort()) {
      fail("%d ignored, %d were repeated", ignored, repeated);
    }
  }
}
