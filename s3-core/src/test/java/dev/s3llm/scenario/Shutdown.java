package dev.s3llm.scenario;

import dev.s3llm.execute.StepBatch;
import java.util.concurrent.TimeUnit;

/**
 * A close takes bounded time, closes each part once and not during a step, and leaks nothing (21).
 */
final class Shutdown extends Checker {
  private static final long SLACK_NANOS = TimeUnit.SECONDS.toNanos(3);

  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    if (closed) {
      fail("step %d was launched on a closed executor", batch.step());
    }
  }

  @Override
  void executorClosed(int times, boolean busy) {
    if (times > 1) {
      fail("the executor was closed %d times", times);
    }
    if (busy) {
      fail("the executor was closed during a step");
    }
  }

  @Override
  void closed(long nanos) {
    if (nanos > 2 * Scenario.CLOSE_TIMEOUT_NANOS + SLACK_NANOS) {
      fail("close() took %d ns", nanos);
    }
  }

  @Override
  void over(Scenario scenario) {
    int closes = scenario.executor().closes();
    if (closes != (scenario.stoppedWithAStep() ? 0 : 1)) {
      fail("the executor was closed %d times", closes);
    }
    if (scenario.predictorCloses() != 1) {
      fail("the predictor was closed %d times", scenario.predictorCloses());
    }
    if (!scenario.ended()) {
      fail("the loop has not ended");
    }
    if (!scenario.quiet()) {
      fail("a thread or a callback is left");
    }
    if (scenario.accepts()) {
      fail("a request was accepted after close()");
    }
  }
}
