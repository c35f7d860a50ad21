package dev.s3llm.examples.cli;

import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.jcuda.StepTimes;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;
import dev.s3llm.simulate.TraceRequest;
import java.time.Duration;
import java.util.List;

/**
 * Serves a trace's requests, all at once, on real steps for a while, and measures the middle: from
 * a quarter of the time on, while there is still a queue.
 */
final class ServeBench {
  private static final Duration PREDICTION_BUDGET = Duration.ofSeconds(60);
  private static final double WARM_SHARE = 0.25;

  private final JCudaExecutor executor;
  private final Trace trace;
  private final SimulatedPredictor predictor;
  private final double seconds;

  ServeBench(JCudaExecutor executor, Trace trace, SimulatedPredictor predictor, double seconds) {
    this.executor = executor;
    this.trace = trace;
    this.predictor = predictor;
    this.seconds = seconds;
  }

  /**
   * One policy's figures, all of the measured time.
   *
   * @param meanRunning sequences in the batch, on average
   * @param kvUse share of KV blocks that held tokens, on average
   * @param lostTokens tokens recomputed or swapped, over tokens produced
   * @param hostWait share of the time in which the GPU waited for the host
   */
  record Row(
      String policy,
      double seconds,
      double tokensPerSecond,
      double ofFirst,
      double stepMillis,
      double meanRunning,
      double kvUse,
      long preemptions,
      double lostTokens,
      double hostWait) {}

  /** Runs one policy; {@code baseline} is the first one's throughput, or 0. */
  Row run(SimulationPolicy policy, double baseline) throws InterruptedException {
    List<TraceRequest> requests = trace.requests();
    try (S3Engine engine =
        S3Engine.builder(new ForcedLengths(executor, trace))
            .planner(
                policy.planner().apply(id -> requests.get(Integer.parseInt(id)).outputTokens()))
            .recovery(policy.recovery())
            .predictor(predictor.create())
            .predictionBudget(PREDICTION_BUDGET)
            .maxLiveRequests(requests.size() + 1)
            .build()) {
      for (int i = 0; i < requests.size(); i++) {
        engine.submit(request(i, requests.get(i)));
      }
      Row row = measure(engine, policy.name(), baseline);
      engine.closeNow();
      return row;
    }
  }

  private GenerationRequest request(int index, TraceRequest request) {
    return GenerationRequest.builder(ForcedLengths.prompt(index, request))
        .id(Integer.toString(index))
        .maxNewTokens(executor.profile().maxContextTokens() - request.promptTokens())
        .stopTokens(ForcedLengths.END)
        .lengthHint(predictor.hint(request))
        .build();
  }

  private Row measure(S3Engine engine, String name, double baseline) throws InterruptedException {
    Thread.sleep((long) (1e3 * WARM_SHARE * seconds));
    EngineSnapshot before = engine.snapshot();
    StepTimes timesBefore = executor.times();
    long start = System.nanoTime();
    long end = start + (long) (1e9 * (1 - WARM_SHARE) * seconds);
    double running = 0;
    double use = 0;
    int samples = 0;
    while (System.nanoTime() < end && engine.snapshot().waiting() > 0) {
      Thread.sleep(10);
      EngineSnapshot now = engine.snapshot();
      running += now.running();
      use += (double) now.allocatedBlocks() / now.capacityBlocks();
      samples++;
    }
    EngineSnapshot after = engine.snapshot();
    StepTimes times = executor.times().since(timesBefore);
    double took = (System.nanoTime() - start) / 1e9;
    double tokens = after.outputTokens() - before.outputTokens();
    double lost =
        (after.recomputedTokens() + after.swappedTokens())
            - (double) (before.recomputedTokens() + before.swappedTokens());
    return new Row(
        name,
        took,
        tokens / took,
        baseline > 0 ? tokens / took / baseline : 1,
        times.busyMillis() / Math.max(1, times.steps()),
        running / Math.max(1, samples),
        use / Math.max(1, samples),
        after.preemptions() - before.preemptions(),
        lost / Math.max(1, tokens),
        times.waitMillis() / (times.busyMillis() + times.waitMillis()));
  }
}
