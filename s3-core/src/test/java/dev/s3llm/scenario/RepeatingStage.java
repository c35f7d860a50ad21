package dev.s3llm.scenario;

import dev.s3llm.execute.StepResult;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;

/** A stage of a bad executor: it may tell its completion more than once. */
final class RudeStage extends CompletableFuture<StepResult> {
  private BiConsumer<? super StepResult, ? super Throwable> told;
  private boolean finished;
  private StepResult result;
  private Throwable error;

  @Override
  public CompletableFuture<StepResult> whenComplete(
      BiConsumer<? super StepResult, ? super Throwable> action) {
    told = action;
    if (finished) {
      action.accept(result, error);
    }
    return this;
  }

  /** Completes it. */
  void finish(StepResult answer, Throwable failure) {
    finished = true;
    result = answer;
    error = failure;
    if (told != null) {
      told.accept(answer, failure);
    }
  }

  /** Tells once more what it was completed with. */
  void again() {
    told.accept(result, error);
  }
}
