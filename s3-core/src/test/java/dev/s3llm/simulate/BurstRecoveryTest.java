package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** After a burst of a hundred times the load, latency and throughput return to their old values. */
class BurstRecoveryTest {
  private static final long SECOND = 1_000_000_000L;
  private static final int LENGTH_SECONDS = 900;
  private static final int BURST_AT = 200;
  private static final double RATE = 5;
  private static final double BURST = 100;

  @ParameterizedTest
  @ValueSource(strings = {"worst-case", "s3", "on-demand", "forecast"})
  void afterABurst_serviceIsAsBefore(String policy) {
    double rate = policy.equals("worst-case") ? RATE / 10 : RATE;
    Outcomes outcomes = run(policy, rate);

    double before = outcomes.medianTtft(BURST_AT / 2, BURST_AT);
    double during = outcomes.medianTtft(BURST_AT, BURST_AT + 2);
    double after = outcomes.medianTtft(LENGTH_SECONDS - 200, LENGTH_SECONDS);
    double servedBefore = outcomes.tokensPerSecond(BURST_AT / 2, BURST_AT);
    double servedAfter = outcomes.tokensPerSecond(LENGTH_SECONDS - 200, LENGTH_SECONDS);

    assertThat(during).as("the burst was felt").isGreaterThan(10 * before);
    assertThat(after).as("median TTFT, s, before %.3f", before).isLessThan(1.05 * before + 0.05);
    assertThat(servedAfter)
        .as("tokens a second, before %.0f", servedBefore)
        .isGreaterThan(0.95 * servedBefore);
  }

  private static Outcomes run(String policy, double rate) {
    Random random = new Random(11);
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < LENGTH_SECONDS * rate; i++) {
      requests.add(request((long) (i * SECOND / rate), random));
    }
    for (int i = 0; i < 2 * BURST * rate; i++) {
      requests.add(request(BURST_AT * SECOND + (long) (i * SECOND / (BURST * rate)), random));
    }
    requests.sort(Comparator.comparingLong(Trace.Request::arrivalNanos));
    Outcomes outcomes = new Outcomes(requests);
    Simulation.builder(
            CostModel.ModelShape.named("llama-33b").orElseThrow(),
            CostModel.GpuProfile.named("h200").orElseThrow(),
            24_000_000_000L)
        .predictor(SimulatedPredictor.EMPIRICAL)
        .build()
        .run(new Trace(requests), SimulationPolicy.named(policy).orElseThrow(), outcomes);
    return outcomes;
  }

  private static Trace.Request request(long nanos, Random random) {
    return new Trace.Request(nanos, 20 + random.nextInt(80), 20 + random.nextInt(180), 0);
  }

  /** Outcomes of the requests, by index. */
  private static final class Outcomes implements Simulation.Listener {
    private final List<Trace.Request> requests;
    private final SimulationResult.RequestOutcome[] outcomes;

    Outcomes(List<Trace.Request> requests) {
      this.requests = requests;
      this.outcomes = new SimulationResult.RequestOutcome[requests.size()];
    }

    @Override
    public void onEnd(SimulationResult.RequestOutcome outcome) {
      outcomes[outcome.request()] = outcome;
    }

    double medianTtft(int fromSecond, int toSecond) {
      List<Double> times = new ArrayList<>();
      for (int i = 0; i < outcomes.length; i++) {
        if (within(requests.get(i).arrivalNanos(), fromSecond, toSecond)) {
          times.add(outcomes[i].ttftSeconds());
        }
      }
      times.sort(Comparator.naturalOrder());
      return times.get(times.size() / 2);
    }

    /** Returns the tokens per second of the answers that ended in an interval. */
    double tokensPerSecond(int fromSecond, int toSecond) {
      long tokens = 0;
      for (int i = 0; i < outcomes.length; i++) {
        long end = requests.get(i).arrivalNanos() + outcomes[i].totalNanos();
        tokens += within(end, fromSecond, toSecond) ? outcomes[i].outputTokens() : 0;
      }
      return (double) tokens / (toSecond - fromSecond);
    }

    private static boolean within(long nanos, int fromSecond, int toSecond) {
      return nanos >= fromSecond * SECOND && nanos < toSecond * SECOND;
    }
  }
}
