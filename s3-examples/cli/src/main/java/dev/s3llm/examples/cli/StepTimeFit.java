package dev.s3llm.examples.cli;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.simulate.GpuProfile;
import dev.s3llm.simulate.ModelShape;

/**
 * Learns what a step of this machine takes, so that it can be simulated: a least-squares line
 * through the tokens and times of the steps that it hears of. Reading weights and KV is part of
 * both: a small model on a CPU is bound by arithmetic. Thread-safe.
 */
final class StepTimeFit implements EngineListener {
  /** So fast that reading takes no time of its own. */
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

  /** Nanoseconds that a token more takes. */
  synchronized double nanosPerToken() {
    double spread = steps * squaredTokens - tokens * tokens;
    return spread <= 0 ? nanos / tokens : (steps * tokensByNanos - tokens * nanos) / spread;
  }

  /** Nanoseconds that a step takes beside its tokens. */
  synchronized double nanosPerStep() {
    return Math.max(0, (nanos - nanosPerToken() * tokens) / steps);
  }

  /** A machine whose steps take that long, for a model of one parameter. */
  GpuProfile profile() {
    double flops = 2 * NANOS_PER_SECOND / Math.max(1, nanosPerToken());
    return new GpuProfile(
        "this machine", FREE, flops, Math.max(1, Math.round(nanosPerStep())), FREE, true);
  }

  /** The model of one parameter. */
  static ModelShape model(long kvBytesPerToken) {
    return new ModelShape("this model", 1, kvBytesPerToken);
  }
}
