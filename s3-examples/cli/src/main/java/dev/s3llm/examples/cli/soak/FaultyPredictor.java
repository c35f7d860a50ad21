package dev.s3llm.examples.cli.soak;

import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Predicts like the default predictor, but one token for every third answer, which then outgrows
 * its reservation. Some calls throw, fail or never complete. Not thread-safe: only the engine's
 * thread calls it.
 */
final class FaultyPredictor implements LengthPredictor {
  private final EmpiricalLengthPredictor predictor = new EmpiricalLengthPredictor();
  private final Random random;

  FaultyPredictor(long seed) {
    this.random = new Random(seed);
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    int draw = random.nextInt(300);
    if (draw < 100) {
      return CompletableFuture.completedFuture(LengthPrediction.exactly(1));
    }
    return switch (draw) {
      case 100 -> throw new IllegalStateException("planted");
      case 101 -> CompletableFuture.failedFuture(new IllegalStateException("planted"));
      case 102 -> new CompletableFuture<>();
      default -> predictor.predict(query);
    };
  }

  @Override
  public void observe(LengthFeedback feedback) {
    if (random.nextInt(300) == 0) {
      throw new IllegalStateException("planted");
    }
    predictor.observe(feedback);
  }
}
