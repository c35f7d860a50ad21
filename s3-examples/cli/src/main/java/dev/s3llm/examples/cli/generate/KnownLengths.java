package dev.s3llm.examples.cli.generate;

import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Predicts for each prompt the length that its answer had in an earlier run. This is the most that
 * prediction can gain. As a constant, it shows what remains without prediction.
 */
final class KnownLengths implements LengthPredictor {
  private final Map<String, Integer> byPrompt = new HashMap<>();
  private final int median;
  private final boolean constant;

  /**
   * Creates the predictor.
   *
   * @param answers the answers of the earlier run, at least one
   * @param constant whether to predict the median of all answers for every prompt
   */
  KnownLengths(List<Answer> answers, boolean constant) {
    answers.forEach(answer -> byPrompt.put(answer.prompt().text(), answer.outputTokens()));
    this.median =
        (int) Numbers.median(answers.stream().mapToDouble(Answer::outputTokens).toArray());
    this.constant = constant;
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    @Nullable Integer known = constant ? null : byPrompt.get(query.promptText());
    int length = Math.max(1, known == null ? median : known);
    return CompletableFuture.completedFuture(
        LengthPrediction.exactly(Math.min(length, query.maxNewTokens())));
  }
}
