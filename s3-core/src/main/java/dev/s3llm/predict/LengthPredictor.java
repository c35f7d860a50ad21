package dev.s3llm.predict;

import java.util.concurrent.CompletionStage;

/**
 * Predicts how many tokens an answer will have, before it is generated.
 *
 * <p>The engine calls {@link #predict}, {@link #refresh} and {@link #observe} from its loop, so all
 * three must return promptly. A predictor that needs time computes on threads of its own and
 * completes the stage later. The engine replaces failed, late and null predictions by its fallback.
 */
public interface LengthPredictor extends AutoCloseable {

  /**
   * Predicts the length of one answer.
   *
   * @param query the facts about the request
   * @return a stage that completes with the prediction, on any thread
   */
  CompletionStage<LengthPrediction> predict(LengthQuery query);

  /**
   * Predicts the length of the same answer again, with the knowledge of answers that have ended
   * since. Returns the earlier prediction by default. The engine calls it for the next few waiting
   * requests if enough answers have ended, and its loop does not go on before it returns: it must
   * take microseconds. If it throws, the engine keeps the earlier prediction.
   *
   * @param query the facts about the request
   * @param earlier the prediction that the engine has, by this predictor or by the fallback, capped
   *     at the output limit
   */
  default LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    return earlier;
  }

  /**
   * Returns after how many generated tokens the engine calls {@link #revise} again for a running
   * answer; 0 for never, which is the default. Called once, when the engine is built.
   */
  default int revisionInterval() {
    return 0;
  }

  /**
   * Predicts the whole length of a running answer again, with what has become known while it grew.
   * Returns the earlier prediction by default. The engine calls it from its loop, which does not go
   * on before it returns: it must take microseconds. Equal arguments must give equal results. If it
   * throws, the engine keeps the earlier prediction.
   *
   * @param query the facts about the request
   * @param earlier the latest prediction that the engine has, not conditioned on the tokens
   *     generated
   * @param generatedTokens number of tokens generated so far, at least 1
   */
  default LengthPrediction revise(
      LengthQuery query, LengthPrediction earlier, int generatedTokens) {
    return earlier;
  }

  /**
   * Learns from an answer that has ended. Does nothing by default. The engine does not report
   * requests that failed, that have no output, or that ended before they had a prediction.
   *
   * @param feedback the actual length, with the query of the prediction
   */
  default void observe(LengthFeedback feedback) {}

  /**
   * Releases the predictor's resources; by default there are none. Idempotent. The engine calls it
   * when no other method is running or will be called again; stages may still be pending.
   */
  @Override
  default void close() {}
}
