package dev.s3llm.scenario;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A predictor that guesses; when faults strike, it throws, fails, is late or exaggerates. */
final class HostilePredictor implements LengthPredictor {
  private final Random random;
  private final FaultPlan faults;
  private final List<CompletableFuture<LengthPrediction>> late = new ArrayList<>();
  private int closes;

  HostilePredictor(Random random, FaultPlan faults) {
    this.random = random;
    this.faults = faults;
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    if (faults.strikes(Fault.PREDICTOR_THROWS, 8)) {
      throw new IllegalStateException("planted");
    }
    if (faults.strikes(Fault.PREDICTOR_THROWS_ERROR, 16)) {
      throw new NoClassDefFoundError("planted");
    }
    if (faults.strikes(Fault.PREDICTION_FAILS, 8)) {
      return CompletableFuture.failedFuture(new UnsatisfiedLinkError("planted"));
    }
    if (faults.strikes(Fault.PREDICTION_LATE, 6)) {
      CompletableFuture<LengthPrediction> future = new CompletableFuture<>();
      late.add(future);
      return future;
    }
    return CompletableFuture.completedFuture(guess(query));
  }

  private LengthPrediction guess(LengthQuery query) {
    if (faults.strikes(Fault.PREDICTION_NULL, 8)) {
      return null;
    }
    if (faults.strikes(Fault.PREDICTION_HUGE, 8)) {
      return LengthPrediction.exactly(Integer.MAX_VALUE);
    }
    if (faults.strikes(Fault.PREDICTION_TINY, 6)) {
      return LengthPrediction.exactly(1);
    }
    return LengthPrediction.exactly(1 + random.nextInt(query.maxNewTokens()));
  }

  @Override
  public LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    if (faults.strikes(Fault.REFRESH_THROWS, 8)) {
      throw new StackOverflowError("planted");
    }
    return random.nextInt(4) == 0 ? guess(query) : earlier;
  }

  @Override
  public void observe(LengthFeedback feedback) {
    if (faults.strikes(Fault.FEEDBACK_THROWS, 8)) {
      throw random.nextBoolean() ? new LinkageError("planted") : new AssertionError("planted");
    }
  }

  /** Completes some or all of the late predictions; returns their number. */
  int progress(boolean all) {
    int completed = 0;
    while (!late.isEmpty() && (all || random.nextInt(4) == 0)) {
      CompletableFuture<LengthPrediction> future = late.remove(random.nextInt(late.size()));
      if (random.nextBoolean()) {
        future.complete(LengthPrediction.exactly(1 + random.nextInt(50)));
      } else {
        future.completeExceptionally(new IllegalStateException("planted"));
      }
      completed++;
    }
    return completed;
  }

  @Override
  public void close() {
    closes++;
  }

  int closes() {
    return closes;
  }
}
