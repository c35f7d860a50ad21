package dev.s3llm.scenario;

import dev.s3llm.execute.StepResult;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;

/** A stage of a faulty executor, which may complete its dependent more than once. */
final class RepeatingStage extends CompletableFuture<StepResult> {
  private BiConsumer<? super StepResult, ? super Throwable> dependent;
  private boolean finished;
  private StepResult result;
  private Throwable error;

  @Override
  public CompletableFuture<StepResult> whenComplete(
      BiConsumer<? super StepResult, ? super Throwable> action) {
    dependent = action;
    if (finished) {
      action.accept(result, error);
    }
    return this;
  }

  /** Completes the stage. */
  void finish(StepResult answer, Throwable failure) {
    finished = true;
    result = answer;
    error = failure;
    if (dependent != null) {
      dependent.accept(answer, failure);
    }
  }

  /** Completes the dependent once more, with the same result. */
  void again() {
    dependent.accept(result, error);
  }
}
