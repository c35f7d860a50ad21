package dev.s3llm.engine.loop;

import dev.s3llm.engine.feedback.LatencyEstimator;
import dev.s3llm.engine.feedback.StepTimeModel;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryPlanner.StepCost;
import org.jspecify.annotations.Nullable;

/**
 * Reports the work and the cost of each step that succeeded to the planner and to the models of the
 * step time. It reports a step when the next one is launched, not earlier: a draft, which is
 * planned while the step runs, and a plan that is made again after it must start from the same
 * knowledge.
 */
final class StepFeedback {
  private final MemoryPlanner planner;
  private final StepTimeModel stepTime;
  private final LatencyEstimator latency;
  private @Nullable StepWork work;
  private @Nullable StepCost cost;

  StepFeedback(MemoryPlanner planner, StepTimeModel stepTime, LatencyEstimator latency) {
    this.planner = planner;
    this.stepTime = stepTime;
    this.latency = latency;
  }

  /** Records a step that has succeeded. */
  void stepSucceeded(StepWork stepWork, StepCost stepCost) {
    work = stepWork;
    cost = stepCost;
  }

  /** Reports the latest step that has succeeded, unless it was reported before. */
  void report() {
    StepWork done = work;
    StepCost spent = cost;
    if (done == null || spent == null) {
      return;
    }
    work = null;
    cost = null;
    planner.stepCompleted(spent);
    if (done.newTokens() > 0) { // a step that only copies says nothing about compute time
      stepTime.observe(done.decodes(), done.prefilledTokens(), done.kvTokens(), spent.nanos());
      latency.observe(spent.producedTokens(), spent.nanos());
    }
  }
}
