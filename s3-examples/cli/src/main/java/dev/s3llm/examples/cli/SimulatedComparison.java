package dev.s3llm.examples.cli;

import dev.s3llm.examples.cli.GenerationRun.Outcome;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.Trace;
import dev.s3llm.simulate.TraceRequest;
import java.util.ArrayList;
import java.util.List;

/**
 * The same prompts and answers once more under every planner, simulated with the step times of this
 * machine: whether the simulator ranks planners as the machine does.
 */
final class SimulatedComparison {
  private static final String CLAIRVOYANT = "clairvoyant";

  private final Simulation simulation;
  private final Trace trace;
  private final StepTimeFit steps;

  /**
   * Prepares the simulation.
   *
   * @param answers of one run; every planner gives the same ones
   * @param profile of the executor that ran them
   * @param maxNewTokens output limit that the requests had
   */
  SimulatedComparison(
      List<Answer> answers, ExecutorProfile profile, int maxNewTokens, StepTimeFit steps) {
    this.steps = steps;
    this.trace = trace(answers);
    long kvBytesPerToken = profile.bytesPerBlock() / profile.blockTokens();
    int longest = answers.stream().mapToInt(Answer::promptTokens).max().orElseThrow();
    this.simulation =
        Simulation.builder(
                StepTimeFit.model(kvBytesPerToken),
                steps.profile(),
                profile.capacityTokens() * kvBytesPerToken)
            .blockTokens(profile.blockTokens())
            .maxLength(longest + maxNewTokens)
            .maxTokensPerStep(profile.maxTokensPerStep())
            .maxRunning(profile.maxSequencesPerStep())
            .predictor(SimulatedPredictor.CALIBRATED)
            .build();
  }

  private static Trace trace(List<Answer> answers) {
    List<TraceRequest> requests = new ArrayList<>();
    for (Answer answer : answers) {
      Integer predicted = answer.predictedP50();
      requests.add(
          new TraceRequest(
              0,
              answer.promptTokens(),
              Math.max(1, answer.outputTokens()),
              predicted == null ? 1 : Math.max(1, predicted)));
    }
    return new Trace(requests);
  }

  /**
   * The runs beside their simulations, as ratios to the first; and what a planner would make that
   * knows all lengths, which no run can.
   */
  String table(List<String> planners, List<Outcome> outcomes) {
    StringBuilder table =
        new StringBuilder(
            "%nSimulated with %.2f ms a step and %.3f ms a token, fitted to the steps above:%n"
                .formatted(steps.nanosPerStep() / 1e6, steps.nanosPerToken() / 1e6));
    table.append("%-13s %10s %10s%n".formatted("run", "measured", "simulated"));
    double measured = ComparisonTable.rate(outcomes.get(0));
    double simulated = Double.NaN;
    for (int i = 0; i < planners.size(); i++) {
      double rate = simulate(planners.get(i));
      simulated = i == 0 ? rate : simulated;
      table.append(
          "%-13s %10.2f %10.2f%n"
              .formatted(
                  planners.get(i),
                  ComparisonTable.rate(outcomes.get(i)) / measured,
                  rate / simulated));
    }
    table.append(
        "%-13s %10s %10.2f%n".formatted(CLAIRVOYANT, "", simulate(CLAIRVOYANT) / simulated));
    return table.toString();
  }

  private double simulate(String planner) {
    SimulationPolicy policy = SimulationPolicy.named(planner).orElseThrow();
    SimulationResult result = simulation.run(trace, policy);
    return result.outputTokens() / result.makespanSeconds();
  }
}
