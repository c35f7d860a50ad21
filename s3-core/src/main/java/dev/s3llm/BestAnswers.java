package dev.s3llm;

import dev.s3llm.observe.FinishReason;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The choice of the best of several answers to one request. */
final class BestAnswers {
  private static final Comparator<GenerationResult> BEST_FIRST =
      Comparator.comparing(BestAnswers::failed)
          .thenComparing(
              Comparator.comparingDouble(GenerationResult::meanLogProbability).reversed());

  private BestAnswers() {}

  /**
   * Returns a future of the best answers. If it is cancelled, so are all answers.
   *
   * @param answers the answers under way, with log probabilities
   * @param n how many to return
   */
  static CompletableFuture<List<GenerationResult>> of(List<Generation> answers, int n) {
    List<CompletableFuture<GenerationResult>> results =
        answers.stream().map(Generation::result).toList();
    CompletableFuture<List<GenerationResult>> best =
        CompletableFuture.allOf(results.toArray(CompletableFuture[]::new))
            .thenApply(
                done ->
                    results.stream()
                        .map(CompletableFuture::join)
                        .sorted(BEST_FIRST)
                        .limit(n)
                        .toList());
    var unused =
        best.whenComplete(
            (chosen, error) -> {
              if (best.isCancelled()) {
                answers.forEach(Generation::cancel);
              }
            });
    return best;
  }

  private static boolean failed(GenerationResult result) {
    return result.finishReason() != FinishReason.STOP
        && result.finishReason() != FinishReason.LENGTH;
  }
}
