package dev.s3llm.examples.cli.generate;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.simulate.CostModel;

/**
 * Fits a least-squares line through the tokens and the times of steps on this machine, so that they
 * can be simulated. The time to read weights and KV is part of the line's two terms, because a
 * small model on a CPU is bound by arithmetic. Thread-safe.
 */
final class StepTimeFit implements EngineListener {
  /** Bytes per second so high that reading takes no time of its own. */
  private static final double FREE = 1e18;

  private static final double NANOS_PER_SECOND = 1e9;

  private long steps;
  private double tokens;
  private double nanos;
  private double squaredTokens;
  private double tokensByNanos;

  @Override
  public synchronized void onEvent(EngineEvent event) {
    if (event instanceof EngineEvent.StepCompleted step) {
      double count = step.newTokens();
      double time = step.durationNanos();
      steps++;
      tokens += count;
      nanos += time;
      squaredTokens += count * count;
      tokensByNanos += count * time;
    }
  }

  /** Returns the nanoseconds that each token adds to a step. */
  synchronized double nanosPerToken() {
    double spread = steps * squaredTokens - tokens * tokens;
    return spread <= 0 ? nanos / tokens : (steps * tokensByNanos - tokens * nanos) / spread;
  }

  /** Returns the nanoseconds of a step without its tokens. */
  synchronized double nanosPerStep() {
    return Math.max(0, (nanos - nanosPerToken() * tokens) / steps);
  }

  /** Returns a GPU profile whose steps take that long with a model of one parameter. */
  CostModel.GpuProfile profile() {
    double flops = 2 * NANOS_PER_SECOND / Math.max(1, nanosPerToken());
    return new CostModel.GpuProfile(
        "this machine", FREE, flops, Math.max(1, Math.round(nanosPerStep())), FREE, true);
  }

  /** Returns a model of one parameter. */
  static CostModel.ModelShape model(long kvBytesPerToken) {
    return new CostModel.ModelShape("this model", 1, kvBytesPerToken);
  }
}
