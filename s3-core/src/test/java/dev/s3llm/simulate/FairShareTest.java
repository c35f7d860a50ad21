package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Tenants share an engine with a long queue; a tenant that floods it delays only itself. */
class FairShareTest {
  private static final SimulationPolicy POLICY = SimulationPolicy.named("forecast").orElseThrow();

  /** Share of the requests that are counted: until then, requests of all tenants wait. */
  private static final double BUSY_SHARE = 0.5;

  @Test
  void floodOfOneTenant_leavesTheOtherItsShare() {
    List<Trace.Request> requests = new ArrayList<>();
    flood(requests, "flood", 3_000, 1);
    Random random = new Random(2);
    for (int i = 0; i < 200; i++) { // far less than half of the engine's capacity
      requests.add(request(i * 400_000_000L, 30 + random.nextInt(100), "light"));
    }
    List<Double> waits = queuedSeconds(requests, Map.of(), "light");
    requests.replaceAll(r -> withTenant(r, "one"));
    List<Double> shared = queuedSeconds(requests, Map.of(), "one");

    // The remaining wait is the time in which the batch is full and no request is admitted.
    assertThat(quantile(waits, 0.5)).as("median wait of the light tenant, s").isLessThan(1);
    assertThat(quantile(waits, 1)).as("longest wait of the light tenant, s").isLessThan(10);
    assertThat(quantile(shared, 0.5)).as("median wait of all in one queue, s").isGreaterThan(20);
  }

  @Test
  void tenantsThatKeepWaiting_getServiceByWeight() {
    List<Trace.Request> requests = new ArrayList<>();
    flood(requests, "a", 2_000, 1);
    flood(requests, "b", 2_000, 2);
    flood(requests, "c", 2_000, 3);
    double[] tokens = tokensWhileBusy(requests, Map.of("b", 2.0));

    assertThat(tokens[1] / tokens[0]).isCloseTo(2, within(0.2));
    assertThat(tokens[2] / tokens[0]).isCloseTo(1, within(0.1));
  }

  @Test
  void tenantWithLongAnswers_getsNoMoreThanOneWithShort() {
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      requests.add(request(0, 400, "a"));
    }
    for (int i = 0; i < 4_000; i++) {
      requests.add(request(0, 100, "b"));
    }
    double[] tokens = tokensWhileBusy(requests, Map.of());

    assertThat(tokens[1] / tokens[0]).as("service of short over long").isCloseTo(1, within(0.1));
  }

  private static void flood(List<Trace.Request> requests, String tenant, int count, long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < count; i++) {
      requests.add(request(0, 20 + random.nextInt(400), tenant));
    }
  }

  private static Trace.Request request(long nanos, int outputTokens, String tenant) {
    return new Trace.Request(nanos, 50, outputTokens, 0, tenant);
  }

  private static Trace.Request withTenant(Trace.Request request, String tenant) {
    return new Trace.Request(
        request.arrivalNanos(), request.promptTokens(), request.outputTokens(), 0, tenant);
  }

  private static List<Double> queuedSeconds(
      List<Trace.Request> requests, Map<String, Double> weights, String tenant) {
    List<Double> waits = new ArrayList<>();
    Trace trace = sorted(requests);
    run(
        trace,
        weights,
        outcome -> {
          if (trace.requests().get(outcome.request()).tenant().equals(tenant)) {
            waits.add(outcome.queuedNanos() / 1e9);
          }
        });
    waits.sort(Comparator.naturalOrder());
    return waits;
  }

  /**
   * Returns the service of tenants a, b and c, in prompt tokens plus twice the output tokens, by
   * the requests that ended while requests of all tenants waited.
   */
  private static double[] tokensWhileBusy(
      List<Trace.Request> requests, Map<String, Double> weights) {
    Trace trace = sorted(requests);
    double[] tokens = new double[3];
    int[] ended = {0};
    run(
        trace,
        weights,
        outcome -> {
          if (ended[0]++ < BUSY_SHARE * requests.size()) {
            Trace.Request request = trace.requests().get(outcome.request());
            tokens[request.tenant().charAt(0) - 'a'] +=
                request.promptTokens() + 2.0 * request.outputTokens();
          }
        });
    return tokens;
  }

  private static void run(
      Trace trace, Map<String, Double> weights, Consumer<SimulationResult.RequestOutcome> onEnd) {
    SimulationResult result =
        Simulation.builder(
                CostModel.ModelShape.named("llama-33b").orElseThrow(),
                CostModel.GpuProfile.named("h200").orElseThrow(),
                12_000_000_000L)
            .tenantWeights(weights)
            .predictor(SimulatedPredictor.EMPIRICAL)
            .build()
            .run(
                trace,
                POLICY,
                new Simulation.Listener() {
                  @Override
                  public void onEnd(SimulationResult.RequestOutcome outcome) {
                    onEnd.accept(outcome);
                  }
                });
    assertThat(result.requests().finished()).isEqualTo(trace.requests().size());
  }

  private static Trace sorted(List<Trace.Request> requests) {
    return new Trace(
        requests.stream().sorted(Comparator.comparingLong(Trace.Request::arrivalNanos)).toList());
  }

  private static double quantile(List<Double> sorted, double share) {
    return sorted.get((int) (share * (sorted.size() - 1)));
  }
}
