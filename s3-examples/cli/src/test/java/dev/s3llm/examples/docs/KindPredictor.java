package dev.s3llm.examples.docs;

import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Reads the kind of answer from the prompt's first word. */
final class KindPredictor implements LengthPredictor {
  private static final LengthBuckets BUCKETS = LengthBuckets.of(16, 64, 256, 1024);
  private static final LengthPrediction SHORT = LengthPrediction.of(BUCKETS, 80, 15, 4, 1);
  private static final LengthPrediction LONG = LengthPrediction.of(BUCKETS, 5, 25, 50, 20);

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    String prompt = query.promptText() == null ? "" : query.promptText();
    LengthPrediction kind = prompt.startsWith("Classify") ? SHORT : LONG;
    return CompletableFuture.completedFuture(kind.cappedAt(query.maxNewTokens()));
  }
}
