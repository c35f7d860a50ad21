package dev.s3llm.examples.cli.bench;

import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.execute.Executor;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;
import java.time.Duration;

/**
 * Makes engines that give the answers the lengths of a trace, one after the other on the same
 * weights, and the requests of the trace.
 */
final class BenchEngines {
  private static final Duration PREDICTION_BUDGET = Duration.ofSeconds(60);

  private final Executor executor;
  private final Trace trace;
  private final SimulatedPredictor predictor;
  private final Limits limits;

  /**
   * The limits of the engines.
   *
   * @param maxLength most tokens of a sequence, prompt included
   * @param maxTokensPerStep token budget of a step
   * @param maxRunning largest batch
   */
  record Limits(int maxLength, int maxTokensPerStep, int maxRunning) {}

  BenchEngines(Executor executor, Trace trace, SimulatedPredictor predictor, Limits limits) {
    this.executor = executor;
    this.trace = trace;
    this.predictor = predictor;
    this.limits = limits;
  }

  /** Returns the number of requests. */
  int size() {
    return trace.requests().size();
  }

  /** Returns the trace. */
  Trace trace() {
    return trace;
  }

  /** Creates an engine; closing it leaves the executor open. */
  S3Engine create(SimulationPolicy policy, SchedulingPolicy order) {
    return S3Engine.builder(new ForcedLengths(executor, trace))
        .planner(policy.planner().apply(id -> asked(Integer.parseInt(id)).outputTokens()))
        .recovery(policy.recovery())
        .schedulingPolicy(order)
        .predictor(predictor.create(trace.requests()))
        .predictionBudget(PREDICTION_BUDGET)
        .maxTokensPerStep(Math.min(limits.maxTokensPerStep, executor.profile().maxTokensPerStep()))
        .maxRunning(Math.min(limits.maxRunning, executor.profile().maxSequencesPerStep()))
        .maxLiveRequests(size() + 1)
        .build();
  }

  private Trace.Request asked(int index) {
    return trace.requests().get(index);
  }

  /** Returns the request with this index in the trace, which is its id as well. */
  GenerationRequest request(int index) {
    Trace.Request asked = asked(index);
    int limit = limits.maxLength - asked.promptTokens();
    Trace.Terms terms = asked.terms();
    GenerationRequest.Builder builder =
        GenerationRequest.builder(
                ForcedLengths.prompt(index, asked, executor.profile().vocabularySize()))
            .id(Integer.toString(index))
            .maxNewTokens(terms.limitTokens() == 0 ? limit : Math.min(limit, terms.limitTokens()))
            .priority(terms.priority())
            .stopTokens(ForcedLengths.END);
    if (predictor == SimulatedPredictor.RECORDED) {
      builder.promptText(Integer.toString(index)); // by which the predictor knows the request
    }
    if (predictor.hint(asked) > 0) {
      builder.lengthHint(predictor.hint(asked));
    }
    if (terms.deadlineNanos() != Long.MAX_VALUE) {
      builder.deadline(Duration.ofNanos(terms.deadlineNanos()));
    }
    if (!terms.tenant().isEmpty()) {
      builder.tenant(terms.tenant());
    }
    return builder.build();
  }
}
