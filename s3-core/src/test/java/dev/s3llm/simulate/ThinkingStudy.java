package dev.s3llm.simulate;

import dev.s3llm.engine.sequence.Phases;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.schedule.SchedulingPolicies;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What it is worth to predict the lengths of thinking and answer apart, on a synthetic mix: four of
 * ten outputs think little and the others much, and answers are short. {@link #main} prints the
 * table of the documentation.
 */
final class ThinkingStudy {
  private static final int LIMIT = 12_000;
  private static final LengthQuery WHOLE = new LengthQuery(200, null, null, 0, LIMIT);
  private static final LengthQuery.Thinking THINKING =
      new LengthQuery.Thinking(List.of(), List.of(List.of(2)), Integer.MAX_VALUE);
  private static final LengthQuery FIRST = WHOLE.ofThinking(THINKING);
  private static final LengthQuery SECOND = WHOLE.ofAnswer();
  private static final LengthPrediction UNUSED = LengthPrediction.exactly(1);

  private ThinkingStudy() {}

  /** The lengths of an output's parts, in tokens. */
  record Output(int thinking, int answer) {
    int whole() {
      return thinking + answer;
    }
  }

  /**
   * The errors of the expected remaining length at random moments of a server's time, in tokens:
   * mean absolute ones, and roots of mean squares.
   */
  record Errors(
      double whileThinking,
      double whileAnswering,
      double all,
      double rootMeanSquareWhileThinking,
      double rootMeanSquare) {}

  static List<Output> outputs(int count, SplittableRandom random) {
    List<Output> outputs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean easy = random.nextInt(10) < 4;
      int thinking = logNormal(easy ? 150 : 1_500, 0.8, random);
      outputs.add(
          new Output(Math.min(8_000, thinking), Math.min(2_000, logNormal(120, 0.5, random))));
    }
    return outputs;
  }

  private static int logNormal(double median, double spread, SplittableRandom random) {
    return (int) Math.max(2, Math.round(median * Math.exp(spread * random.nextGaussian())));
  }

  /**
   * Returns the errors at random moments of outputs, after as many others were observed.
   *
   * @param apart whether the lengths of the parts are predicted apart
   */
  static Errors errors(boolean apart, int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    EmpiricalLengthPredictor predictor = new EmpiricalLengthPredictor();
    for (Output output : outputs(count, random)) {
      observe(predictor, apart ? FIRST : WHOLE, apart ? output.thinking() : output.whole());
      if (apart) {
        observe(predictor, SECOND, output.answer());
      }
    }
    double[] sums = new double[2];
    double[] squares = new double[2];
    double[] tokens = new double[2];
    for (Output output : outputs(count, random)) {
      int done = random.nextInt(output.whole());
      int phase = done < output.thinking() ? 0 : 1;
      double expected = apart ? apart(predictor, output, done) : whole(predictor, done);
      double error = expected - (output.whole() - done);
      sums[phase] += output.whole() * Math.abs(error); // a server spends most time on long ones
      squares[phase] += output.whole() * error * error;
      tokens[phase] += output.whole();
    }
    double all = tokens[0] + tokens[1];
    return new Errors(
        sums[0] / tokens[0],
        sums[1] / tokens[1],
        (sums[0] + sums[1]) / all,
        Math.sqrt(squares[0] / tokens[0]),
        Math.sqrt((squares[0] + squares[1]) / all));
  }

  private static void observe(EmpiricalLengthPredictor predictor, LengthQuery query, int length) {
    predictor.observe(new LengthFeedback(query, UNUSED, length, false));
  }

  private static double whole(EmpiricalLengthPredictor predictor, int done) {
    return predictor.predictNow(WHOLE).expectedRemaining(done);
  }

  private static double apart(EmpiricalLengthPredictor predictor, Output output, int done) {
    Phases.Lengths lengths =
        new Phases.Lengths(predictor.predictNow(FIRST), predictor.predictNow(SECOND));
    if (done >= output.thinking()) {
      return lengths.answer().expectedRemaining(done - output.thinking());
    }
    LengthPrediction thinking = predictor.predictNow(FIRST);
    return thinking.given(done).plus(lengths.answer()).expectedRemaining(done);
  }

  /**
   * Serves outputs whose requests arrive at random times, the shortest expected remaining one
   * first.
   *
   * @param apart whether the engine knows where the thinking ends
   * @param perSecond mean rate of arrivals
   */
  static SimulationResult serve(boolean apart, int count, double perSecond, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Trace.Request> requests = new ArrayList<>();
    double seconds = 0;
    for (Output output : outputs(count, random)) {
      seconds -= Math.log(1 - random.nextDouble()) / perSecond;
      requests.add(
          new Trace.Request(Math.round(seconds * 1e9), 200, output.whole(), 0)
              .thinking(apart ? output.thinking() : 0));
    }
    return simulation().run(new Trace(requests), SimulationPolicy.named("forecast").orElseThrow());
  }

  private static Simulation simulation() {
    return Simulation.builder(
            CostModel.ModelShape.named("llama-33b").orElseThrow(),
            CostModel.GpuProfile.named("h200").orElseThrow(),
            40L << 30)
        .maxLength(LIMIT + 300)
        .predictor(SimulatedPredictor.EMPIRICAL)
        .schedulingPolicy(SchedulingPolicies.shortestRemainingFirst())
        .build();
  }

  /**
   * Prints the table.
   *
   * @param args mean rates of arrivals a second, any number
   */
  public static void main(String[] args) {
    for (boolean apart : new boolean[] {false, true}) {
      for (long seed = 1; seed <= 5; seed++) {
        System.out.printf("apart %s seed %d %s%n", apart, seed, errors(apart, 3_000, seed));
      }
    }
    for (String rate : args) {
      for (boolean apart : new boolean[] {false, true}) {
        for (long seed = 1; seed <= 5; seed++) {
          SimulationResult result = serve(apart, 1_000, Double.parseDouble(rate), seed);
          System.out.printf(
              "rate %s apart %s seed %d total %s ttft %s %.0f tokens/s, %d preemptions%n",
              rate,
              apart,
              seed,
              result.latency().totalSeconds(),
              result.latency().ttftSeconds(),
              result.throughput().tokensPerSecond(),
              result.memory().preemptions());
        }
      }
    }
  }
}
