package dev.s3llm.predict;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Predicts how many tokens an answer will have, before it is generated.
 *
 * <p>The engine calls all methods but {@link #close} from its loop, so they must return promptly. A
 * predictor that needs time computes on threads of its own and completes the stage later. The
 * engine replaces failed, late and null predictions by its fallback.
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
   * Returns whether the predictor predicts the length of the thinking and of the answer behind it
   * apart; false by default. If it does, the engine asks twice for a request that may think, with
   * {@link LengthQuery.Part#THINKING} and {@link LengthQuery.Part#ANSWER}, adds the two lengths,
   * and reports them with these queries. It then follows the output itself: while it thinks, the
   * thinking is longer than the tokens so far; after that, only the answer is open. So it calls
   * neither {@link #revise} nor {@link #reviseFrom} for such a request. A request with a hint,
   * which is of the whole length, is asked for as a whole. Called once, when the engine is built.
   */
  default boolean predictsParts() {
    return false;
  }

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
   * Returns after how many generated tokens the engine requests features of a running answer again;
   * 0 for never, which is the default. Features are a few numbers that the executor computes from
   * the prompt and the answer so far, such as a hidden state of the model; {@link #reviseFrom}
   * receives them. The engine requests the first ones with the first token. Called once, when the
   * engine is built.
   *
   * @param width number of features that the executor returns for a token, at least 1; the method
   *     is not called if the executor returns none
   */
  default int featureInterval(int width) {
    return 0;
  }

  /**
   * Predicts the whole length of a running answer again, from features. Completes with the earlier
   * prediction by default. The engine calls it from its loop, so it must return promptly, and
   * compute on threads of its own. Until the stage completes, the engine requests no further
   * features of this answer. The answer goes on meanwhile: a prediction that comes late is
   * conditioned on the tokens that were generated since. A failed or null prediction, and one for
   * an answer that has ended or was preempted, is dropped.
   *
   * @param query the facts about the request
   * @param earlier the latest prediction that the engine has, not conditioned on the tokens
   *     generated
   * @param generatedTokens number of output tokens that the features depend on, 0 or more; 0 at the
   *     end of the prompt
   * @param features the features of the latest of these tokens, as many as the width that {@link
   *     #featureInterval} received; the predictor may keep the array. Values may be infinite or NaN
   * @return a stage that completes with the prediction, on any thread
   */
  default CompletionStage<LengthPrediction> reviseFrom(
      LengthQuery query, LengthPrediction earlier, int generatedTokens, float[] features) {
    return CompletableFuture.completedFuture(earlier);
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
