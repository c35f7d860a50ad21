package dev.s3llm.examples.cli.bench;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.s3llm.S3Engine;
import dev.s3llm.examples.cli.options.OrderChoice;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.jcuda.StepTimes;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.simulate.SimulationPolicy;

/**
 * Serves the requests of a trace, submitted all at once, on real steps. Measures from a quarter of
 * the time on, as long as there is a queue.
 */
final class ServeBench {
  private static final double WARM_SHARE = 0.25;

  private final JCudaExecutor executor;
  private final BenchEngines engines;
  private final double seconds;

  ServeBench(JCudaExecutor executor, BenchEngines engines, double seconds) {
    this.executor = executor;
    this.engines = engines;
    this.seconds = seconds;
  }

  /**
   * The figures of one policy, all of the measured time. In JSON, the fields of {@code rate},
   * {@code batch} and {@code losses} stand beside the others.
   *
   * @param policy the policy's name
   * @param order the name of the queue order
   * @param seconds the measured time
   * @param rate the throughput
   * @param batch the steps
   * @param losses the preemptions
   * @param hostWait share of the time, from 0 to 1, in which the GPU waited for the host
   */
  record Row(
      String policy,
      String order,
      double seconds,
      @JsonUnwrapped Rate rate,
      @JsonUnwrapped Batch batch,
      @JsonUnwrapped Losses losses,
      double hostWait) {}

  /**
   * Throughput.
   *
   * @param tokensPerSecond output tokens per second
   * @param ofFirst ratio to the throughput of the first policy
   */
  record Rate(double tokensPerSecond, double ofFirst) {}

  /**
   * Means over the steps.
   *
   * @param stepMillis milliseconds of a step on the GPU
   * @param meanRunning sequences in the batch
   * @param kvUse share of KV blocks that held tokens, from 0 to 1
   */
  record Batch(double stepMillis, double meanRunning, double kvUse) {}

  /**
   * What preemptions cost.
   *
   * @param preemptions their number
   * @param lostTokens tokens recomputed or swapped, over tokens produced
   */
  record Losses(long preemptions, double lostTokens) {}

  /**
   * Runs one policy in one order.
   *
   * @param policy the policy
   * @param order the order
   * @param baseline output tokens per second of the first run; 0 for the first run itself
   * @return its figures
   */
  Row run(SimulationPolicy policy, OrderChoice.Chosen order, double baseline)
      throws InterruptedException {
    try (S3Engine engine = engines.create(policy, order.policy())) {
      for (int i = 0; i < engines.size(); i++) {
        engine.submit(engines.request(i));
      }
      Row row = measure(engine, policy.name(), order.name(), baseline);
      engine.closeNow();
      return row;
    }
  }

  private Row measure(S3Engine engine, String policy, String order, double baseline)
      throws InterruptedException {
    Thread.sleep((long) (1e3 * WARM_SHARE * seconds));
    EngineSnapshot before = engine.snapshot();
    StepTimes timesBefore = executor.times();
    long start = System.nanoTime();
    BatchMeans means = sample(engine, start + (long) (1e9 * (1 - WARM_SHARE) * seconds));
    EngineSnapshot after = engine.snapshot();
    StepTimes times = executor.times().since(timesBefore);
    double took = (System.nanoTime() - start) / 1e9;
    double tokens = after.work().outputTokens() - before.work().outputTokens();
    return new Row(
        policy,
        order,
        took,
        new Rate(tokens / took, baseline > 0 ? tokens / took / baseline : 1),
        new Batch(times.busyMillis() / Math.max(1, times.steps()), means.running, means.kvUse),
        losses(before, after, tokens),
        times.waitMillis() / (times.busyMillis() + times.waitMillis()));
  }

  private record BatchMeans(double running, double kvUse) {}

  /** Samples the batch until a time, or until the queue is empty. */
  private static BatchMeans sample(S3Engine engine, long endNanos) throws InterruptedException {
    double running = 0;
    double use = 0;
    int samples = 0;
    while (System.nanoTime() < endNanos && engine.snapshot().requests().waiting() > 0) {
      Thread.sleep(10);
      EngineSnapshot now = engine.snapshot();
      running += now.requests().running();
      use += (double) now.memory().allocatedBlocks() / now.memory().capacityBlocks();
      samples++;
    }
    return new BatchMeans(running / Math.max(1, samples), use / Math.max(1, samples));
  }

  private static Losses losses(EngineSnapshot before, EngineSnapshot after, double tokens) {
    double lost =
        (after.work().recomputedTokens() + after.work().swappedTokens())
            - (double) (before.work().recomputedTokens() + before.work().swappedTokens());
    return new Losses(
        after.work().preemptions() - before.work().preemptions(), lost / Math.max(1, tokens));
  }
}
