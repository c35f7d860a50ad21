package dev.s3llm.examples.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.Generation;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.examples.cli.options.OrderChoice;
import dev.s3llm.examples.cli.simulation.LatencyFields;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.Progress;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.SimulationResult.RequestOutcome;
import dev.s3llm.simulate.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * Submits the requests of a trace at their arrivals, whether or not earlier ones have ended, and
 * measures until all have ended. Latencies count from the arrival in the trace, so a late
 * submission counts too.
 */
final class RateBench {
  private static final double NANOS_PER_SECOND = 1e9;

  private final BenchEngines engines;
  private final Simulation.LatencyTargets targets;

  RateBench(BenchEngines engines, Simulation.LatencyTargets targets) {
    this.engines = engines;
    this.targets = targets;
  }

  /**
   * The figures of one run.
   *
   * @param policy the policy's name
   * @param order the name of the queue order
   * @param requests number of requests
   * @param finished requests that got their whole answer
   * @param metTargets requests that got it within the latency targets
   * @param makespanSeconds seconds from the first arrival to the last end
   * @param latency the latencies, without slowdown
   * @param work the engine's counters
   */
  record Row(
      String policy,
      String order,
      int requests,
      int finished,
      int metTargets,
      double makespanSeconds,
      SimulationResult.Latency latency,
      EngineSnapshot.Work work) {

    double tokensPerSecond() {
      return work.outputTokens() / makespanSeconds;
    }

    double goodputPerSecond() {
      return metTargets / makespanSeconds;
    }

    /** Returns the figures with the fields of {@code replay --json}. */
    ObjectNode json() {
      ObjectNode json = Json.object();
      json.put("policy", policy);
      json.put("order", order);
      json.put("requests", requests);
      json.put("finished", finished);
      json.put("throughput_tok_s", tokensPerSecond());
      json.put("makespan_s", makespanSeconds);
      json.put("preemptions", work.preemptions());
      json.put("recomputed_tokens", work.recomputedTokens());
      json.put("swapped_tokens", work.swappedTokens());
      LatencyFields.put(json, latency);
      json.put("goodput_rps", goodputPerSecond());
      json.put("slo_met", metTargets);
      return json;
    }
  }

  /**
   * Submits all requests at once for some time and discards the answers, so that the first measured
   * run does not pay for what is loaded and compiled at first use.
   *
   * @param policy the policy
   * @param order the order
   * @param seconds the time; 0 for no warm-up
   */
  void warmUp(SimulationPolicy policy, OrderChoice.Chosen order, double seconds)
      throws InterruptedException {
    if (seconds == 0) {
      return;
    }
    try (S3Engine engine = engines.create(policy, order.policy())) {
      for (int i = 0; i < engines.size(); i++) {
        engine.submit(engines.request(i));
      }
      long end = System.nanoTime() + (long) (seconds * NANOS_PER_SECOND);
      while (System.nanoTime() < end && engine.snapshot().requests().waiting() > 0) {
        Thread.sleep(10);
      }
      engine.closeNow();
    }
  }

  /**
   * Runs one policy in one order.
   *
   * @param policy the policy
   * @param order the order
   * @return its figures
   */
  Row run(SimulationPolicy policy, OrderChoice.Chosen order) throws InterruptedException {
    List<CompletableFuture<RequestOutcome>> outcomes = new ArrayList<>();
    String task = policy.name() + " " + order.name();
    try (S3Engine engine = engines.create(policy, order.policy());
        Progress progress = Progress.of(task, engines.size())) {
      long first = engines.trace().requests().get(0).arrivalNanos();
      long start = System.nanoTime() - first;
      for (int i = 0; i < engines.size(); i++) {
        long due = start + engines.trace().requests().get(i).arrivalNanos();
        sleepUntil(due);
        outcomes.add(submit(engine, i, due));
      }
      List<RequestOutcome> ended = new ArrayList<>();
      for (CompletableFuture<RequestOutcome> outcome : outcomes) {
        ended.add(outcome.join());
        progress.step();
      }
      return row(policy, order, ended, engine.snapshot().work());
    }
  }

  private static void sleepUntil(long due) throws InterruptedException {
    long wait;
    while ((wait = due - System.nanoTime()) > 0) {
      TimeUnit.NANOSECONDS.sleep(wait);
    }
  }

  private CompletableFuture<RequestOutcome> submit(S3Engine engine, int index, long due) {
    long late = System.nanoTime() - due;
    Generation generation = engine.submit(engines.request(index));
    long cancelled = engines.trace().requests().get(index).terms().cancelledNanos();
    if (cancelled != Long.MAX_VALUE) {
      Executor later =
          CompletableFuture.delayedExecutor(Math.max(0, cancelled - late), TimeUnit.NANOSECONDS);
      later.execute(generation::cancel);
    }
    return generation.result().thenApply(result -> outcome(index, result, late));
  }

  /** Returns the outcome of a request, with times from its arrival in the trace. */
  private static RequestOutcome outcome(int index, GenerationResult result, long late) {
    boolean finished =
        result.finishReason() == FinishReason.STOP || result.finishReason() == FinishReason.LENGTH;
    return new RequestOutcome(
        index,
        finished,
        result.outputTokens(),
        result.preemptions(),
        result.queued().toNanos() + late,
        result.timeToFirstToken().map(time -> time.toNanos() + late).orElse(-1L),
        result.total().toNanos() + late,
        0);
  }

  private Row row(
      SimulationPolicy policy,
      OrderChoice.Chosen order,
      List<RequestOutcome> outcomes,
      EngineSnapshot.Work work) {
    List<Trace.Request> requests = engines.trace().requests();
    long end =
        outcomes.stream()
            .mapToLong(o -> requests.get(o.request()).arrivalNanos() + o.totalNanos())
            .max()
            .orElseThrow();
    return new Row(
        policy.name(),
        order.name(),
        outcomes.size(),
        (int) outcomes.stream().filter(RequestOutcome::finished).count(),
        (int) outcomes.stream().filter(targets::metBy).count(),
        (end - requests.get(0).arrivalNanos()) / NANOS_PER_SECOND,
        SimulationResult.Latency.of(outcomes),
        work);
  }
}
