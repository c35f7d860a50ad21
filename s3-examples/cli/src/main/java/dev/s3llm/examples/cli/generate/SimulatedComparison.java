package dev.s3llm.examples.cli.generate;

import dev.s3llm.examples.cli.generate.GenerationRun.Outcome;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.Trace;
import java.util.ArrayList;
import java.util.List;

/**
 * Simulates the prompts and answers of a run under every planner, with the step times of this
 * machine. The table shows whether the simulator ranks the planners as the machine does.
 */
final class SimulatedComparison {
  private static final String CLAIRVOYANT = "clairvoyant";

  private final Simulation simulation;
  private final Trace trace;
  private final StepTimeFit steps;

  /**
   * Prepares the simulation.
   *
   * @param answers the answers of one run; every planner gives the same ones
   * @param profile the profile of the executor that ran them
   * @param maxNewTokens the output limit of the requests
   * @param steps the step times of the run
   */
  SimulatedComparison(
      List<Answer> answers, ExecutorProfile profile, int maxNewTokens, StepTimeFit steps) {
    this.steps = steps;
    this.trace = trace(answers);
    long kvBytesPerToken = profile.bytesPerBlock() / profile.blockTokens();
    int longest =
        answers.stream().mapToInt(answer -> answer.lengths().prompt()).max().orElseThrow();
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
    List<Trace.Request> requests = new ArrayList<>();
    for (Answer answer : answers) {
      Integer predicted = answer.lengths().predictedP50();
      requests.add(
          new Trace.Request(
              0,
              answer.lengths().prompt(),
              Math.max(1, answer.outputTokens()),
              predicted == null ? 1 : Math.max(1, predicted)));
    }
    return new Trace(requests);
  }

  /**
   * Returns a table of the runs and their simulations, each as a ratio to the first. The last row
   * is the clairvoyant planner, which knows all lengths and can only be simulated.
   *
   * @param planners the names of the planners
   * @param outcomes the run of each planner
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
    return result.throughput().outputTokens() / result.throughput().makespanSeconds();
  }
}
