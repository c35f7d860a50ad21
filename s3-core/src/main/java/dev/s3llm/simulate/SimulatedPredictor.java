package dev.s3llm.simulate;

import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The source of a simulation's predictions. */
public enum SimulatedPredictor {
  /** The true lengths. */
  EXACT,
  /** The trace's column of predictions. */
  COLUMN,
  /** The trace's column, corrected by a {@link CalibratedPredictor} that learns during the run. */
  CALIBRATED,
  /** The predictions that the trace has recorded: of the prompt, and while the answer grew. */
  RECORDED,
  /** An {@link EmpiricalLengthPredictor}, which learns during the run. */
  EMPIRICAL;

  /**
   * Returns whether predictions come from the trace's column. A request without a value in the
   * column then gets the engine's fallback.
   */
  public boolean readsColumn() {
    return this == COLUMN || this == CALIBRATED;
  }

  /**
   * Returns the length hint of a request, from which the run's predictor makes its prediction; 0 if
   * it needs none.
   *
   * @param request a request of the trace
   */
  public int hint(Trace.Request request) {
    return switch (this) {
      case EXACT -> request.outputTokens();
      case COLUMN, CALIBRATED -> request.predictedTokens();
      case RECORDED, EMPIRICAL -> 0;
    };
  }

  /**
   * Returns a new predictor for one run.
   *
   * @param requests the requests of the trace; their indices are the prompt texts of the queries
   */
  public LengthPredictor create(List<Trace.Request> requests) {
    return switch (this) {
      case EXACT, COLUMN -> believingHints();
      case CALIBRATED -> new CalibratedPredictor(believingHints());
      case RECORDED -> new RecordedPredictor(requests);
      case EMPIRICAL -> new EmpiricalLengthPredictor();
    };
  }

  private static LengthPredictor believingHints() {
    return query ->
        CompletableFuture.completedFuture(
            LengthPrediction.exactly(Math.min(query.hintTokens(), query.maxNewTokens())));
  }
}
