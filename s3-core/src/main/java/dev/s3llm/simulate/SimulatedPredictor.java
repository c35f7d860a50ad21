package dev.s3llm.simulate;

import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import java.util.concurrent.CompletableFuture;

/** Where a simulation's predictions come from. */
public enum SimulatedPredictor {
  /** The true lengths. */
  EXACT,
  /** The trace's column of predictions. */
  COLUMN,
  /** {@link EmpiricalLengthPredictor}, which learns while the trace runs. */
  EMPIRICAL;

  /** The hint that requests carry, from which {@link #create}'s predictor reads its answer. */
  int hint(TraceRequest request) {
    return switch (this) {
      case EXACT -> request.outputTokens();
      case COLUMN -> request.predictedTokens();
      case EMPIRICAL -> 0;
    };
  }

  /** A predictor for one run. */
  LengthPredictor create() {
    return this == EMPIRICAL
        ? new EmpiricalLengthPredictor()
        : query ->
            CompletableFuture.completedFuture(
                LengthPrediction.exactly(Math.min(query.hintTokens(), query.maxNewTokens())));
  }
}
