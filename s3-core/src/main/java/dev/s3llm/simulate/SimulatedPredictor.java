package dev.s3llm.simulate;

import dev.s3llm.predict.CalibratedPredictor;
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
  /** The trace's column through a {@link CalibratedPredictor} that learns while the trace runs. */
  CALIBRATED,
  /** {@link EmpiricalLengthPredictor}, which learns while the trace runs. */
  EMPIRICAL;

  /** Whether the trace must have a column of predictions. */
  public boolean readsColumn() {
    return this == COLUMN || this == CALIBRATED;
  }

  /** The hint that requests carry, from which {@link #create}'s predictor reads its answer. */
  public int hint(Trace.Request request) {
    return switch (this) {
      case EXACT -> request.outputTokens();
      case COLUMN, CALIBRATED -> request.predictedTokens();
      case EMPIRICAL -> 0;
    };
  }

  /** A predictor for one run. */
  public LengthPredictor create() {
    return switch (this) {
      case EXACT, COLUMN -> believingHints();
      case CALIBRATED -> new CalibratedPredictor(believingHints());
      case EMPIRICAL -> new EmpiricalLengthPredictor();
    };
  }

  private static LengthPredictor believingHints() {
    return query ->
        CompletableFuture.completedFuture(
            LengthPrediction.exactly(Math.min(query.hintTokens(), query.maxNewTokens())));
  }
}
