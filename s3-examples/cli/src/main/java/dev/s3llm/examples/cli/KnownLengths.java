package dev.s3llm.examples.cli;

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
 * Predicts lengths that an earlier run of the same prompts had: the limit of what prediction can
 * gain, and, made constant, what is left without any.
 */
final class KnownLengths implements LengthPredictor {
  private final Map<String, Integer> byPrompt = new HashMap<>();
  private final int median;
  private final boolean constant;

  /**
   * Creates the predictor.
   *
   * @param answers of the earlier run
   * @param constant whether to predict the median of all for each
   */
  KnownLengths(List<Answer> answers, boolean constant) {
    answers.forEach(answer -> byPrompt.put(answer.prompt(), answer.outputTokens()));
    int[] sorted = answers.stream().mapToInt(Answer::outputTokens).sorted().toArray();
    this.median = sorted[sorted.length / 2];
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
