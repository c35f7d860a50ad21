package dev.s3llm.simulate;

import static dev.s3llm.schedule.SchedulingPolicies.DEFAULT_OUTPUT_PER_PROMPT_TOKEN;

import dev.s3llm.simulate.SimulationResult.RequestOutcome;
import java.util.ArrayList;
import java.util.List;

/**
 * Several equal engines that share the requests of a trace. Each request goes to the engine that
 * was given the least predicted work so far, so that the engines differ by no more than a few
 * requests at any time. That needs no news from the engines.
 */
final class EngineGroup {
  private static final double NANOS_PER_SECOND = 1e9;

  private final Simulation simulation;
  private final int engines;

  /**
   * Creates a group.
   *
   * @param simulation the settings of each engine
   * @param engines number of engines, at least 1
   */
  EngineGroup(Simulation simulation, int engines) {
    this.simulation = simulation;
    this.engines = engines;
  }

  /** The requests of one engine, and their indices in the trace. */
  private record Share(List<Trace.Request> requests, List<Integer> indices) {
    Share() {
      this(new ArrayList<>(), new ArrayList<>());
    }
  }

  /** Replays each engine's requests; {@code listener} receives the outcomes. */
  SimulationResult run(Trace trace, SimulationPolicy policy, Simulation.Listener listener) {
    List<SimulationResult> results = new ArrayList<>();
    List<RequestOutcome> outcomes = new ArrayList<>();
    double usedSeconds = 0;
    double endSeconds = 0;
    for (Share share : deal(trace)) {
      if (!share.requests.isEmpty()) {
        Trace own = new Trace(share.requests);
        Simulation.Listener collector =
            new Simulation.Listener() {
              @Override
              public void onEnd(RequestOutcome outcome) {
                RequestOutcome moved = outcome.of(share.indices.get(outcome.request()));
                outcomes.add(moved);
                listener.onEnd(moved);
              }
            };
        SimulationResult result = new SimulationRun(simulation, own, policy, collector).run();
        results.add(result);
        double makespan = result.throughput().makespanSeconds();
        usedSeconds += result.memory().kvUse() * makespan;
        endSeconds = Math.max(endSeconds, start(own) + makespan);
      }
    }
    double makespan = endSeconds - start(trace);
    return merged(trace, results, outcomes, makespan, usedSeconds / engines);
  }

  private static double start(Trace trace) {
    return trace.requests().get(0).arrivalNanos() / NANOS_PER_SECOND;
  }

  private List<Share> deal(Trace trace) {
    List<Share> shares = new ArrayList<>();
    for (int e = 0; e < engines; e++) {
      shares.add(new Share());
    }
    double[] given = new double[engines];
    for (int i = 0; i < trace.requests().size(); i++) {
      Trace.Request request = trace.requests().get(i);
      int least = 0;
      for (int e = 1; e < engines; e++) {
        least = given[e] < given[least] ? e : least;
      }
      double prompt = DEFAULT_OUTPUT_PER_PROMPT_TOKEN * request.promptTokens();
      given[least] += predicted(request) + prompt;
      shares.get(least).requests.add(request);
      shares.get(least).indices.add(i);
    }
    return shares;
  }

  private double predicted(Trace.Request request) {
    return request.recorded().isEmpty()
        ? simulation.predictor().hint(request)
        : request.recorded().firstEntry().getValue().mean();
  }

  private static SimulationResult merged(
      Trace trace,
      List<SimulationResult> results,
      List<RequestOutcome> outcomes,
      double makespan,
      double usedSeconds) {
    SimulationResult first = results.get(0);
    Sums sums = new Sums();
    results.forEach(sums::add);
    return new SimulationResult(
        first.policy(),
        first.order(),
        new SimulationResult.Requests(
            trace.requests().size(), sums.finished, sums.rejected, sums.metTargets),
        new SimulationResult.Throughput(
            sums.outputTokens, makespan == 0 ? 0 : sums.outputTokens / makespan, makespan),
        new SimulationResult.Memory(
            makespan == 0 ? 0 : usedSeconds / makespan,
            sums.preemptions,
            sums.recomputedTokens,
            sums.swappedTokens,
            new SimulationResult.Prefixes(
                first.memory().prefixes().order(),
                sums.promptTokens,
                sums.cachedTokens,
                sums.evictedBlocks)),
        SimulationResult.Latency.of(outcomes),
        new SimulationResult.Planning(sums.steps, first.planning().planMicros(), sums.hash),
        SimulationResult.Groups.of(trace, outcomes));
  }

  /** Sums over the engines. */
  private static final class Sums {
    private int finished;
    private int rejected;
    private int metTargets;
    private long outputTokens;
    private long preemptions;
    private long recomputedTokens;
    private long swappedTokens;
    private long promptTokens;
    private long cachedTokens;
    private long evictedBlocks;
    private long steps;
    private long hash;

    void add(SimulationResult result) {
      finished += result.requests().finished();
      rejected += result.requests().rejected();
      metTargets += result.requests().metTargets();
      outputTokens += result.throughput().outputTokens();
      SimulationResult.Memory memory = result.memory();
      preemptions += memory.preemptions();
      recomputedTokens += memory.recomputedTokens();
      swappedTokens += memory.swappedTokens();
      promptTokens += memory.prefixes().promptTokens();
      cachedTokens += memory.prefixes().cachedTokens();
      evictedBlocks += memory.prefixes().evictedBlocks();
      steps += result.planning().steps();
      hash = 31 * hash + result.planning().decisionHash();
    }
  }
}
