package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.testkit.HandDrivenEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/** Predictions are revised while an answer grows. */
class RevisionTest {
  private static final LengthPrediction OF_THE_PROMPT = LengthPrediction.exactly(90);

  private final List<Integer> revisedAt = new ArrayList<>();
  private final List<LengthFeedback> feedback = new ArrayList<>();

  @Test
  void runningAnswer_isRevisedAtEachInterval_andTheFeedbackIsAboutThePrompt() {
    try (HandDrivenEngine driven = engine(new Revising(30, 94))) {
      driven.engine().submit(request("r", 95));
      driven.run();
    }
    assertThat(revisedAt).containsExactly(30, 60, 90);
    assertThat(feedback).hasSize(1);
    assertThat(feedback.get(0).prediction()).isEqualTo(OF_THE_PROMPT);
  }

  @Test
  void predictorWithoutRevisions_isNotCalled() {
    try (HandDrivenEngine driven = engine(new Revising(0, 90))) {
      driven.engine().submit(request("r", 30));
      driven.run();
    }
    assertThat(revisedAt).isEmpty();
  }

  @Test
  void revisionThatFails_keepsTheEarlierPrediction_andIsCounted() {
    Revising broken =
        new Revising(8, 90) {
          @Override
          public LengthPrediction revise(LengthQuery query, LengthPrediction earlier, int made) {
            assertThat(earlier).isEqualTo(OF_THE_PROMPT.cappedAt(query.maxNewTokens()));
            throw new StackOverflowError("planted");
          }
        };
    try (HandDrivenEngine driven = engine(broken)) {
      Generation generation = driven.engine().submit(request("r", 30));
      driven.run();
      assertThat(generation.result().join().tokens()).hasSize(30);
      assertThat(driven.engine().snapshot().predictions().fallbacks()).isEqualTo(3);
    }
  }

  @Test
  void revisedRequest_isJudgedByItsRevision() {
    List<String> displaced = new ArrayList<>();
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(
            FakeExecutor.immediate(),
            b ->
                b.predictor(new Revising(20, 21)) // the answer of 90 is said to end at once
                    .maxRunning(1)
                    .schedulingPolicy(SchedulingPolicies.shortestRemainingFirst(0))
                    .listener(
                        e -> {
                          if (e instanceof EngineEvent.Preempted preempted) {
                            displaced.add(preempted.requestId());
                          }
                        }))) {
      driven.engine().submit(request("r", 90));
      for (int i = 0; i < 22; i++) {
        driven.pass();
      }
      driven.engine().submit(request("short", 3));
      driven.run();
    }
    assertThat(displaced).isEmpty();
  }

  private HandDrivenEngine engine(LengthPredictor predictor) {
    return HandDrivenEngine.of(FakeExecutor.immediate(), b -> b.predictor(predictor));
  }

  private static GenerationRequest request(String id, int tokens) {
    return GenerationRequest.builder(1, 2, 3).id(id).maxNewTokens(tokens).build();
  }

  /** Predicts 90 tokens, or the limit if that is less, and later another length. */
  private class Revising implements LengthPredictor {
    private final int interval;
    private final int revisedTokens;

    Revising(int interval, int revisedTokens) {
      this.interval = interval;
      this.revisedTokens = revisedTokens;
    }

    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      return CompletableFuture.completedFuture(
          query.maxNewTokens() < 10 ? LengthPrediction.exactly(3) : OF_THE_PROMPT);
    }

    @Override
    public int revisionInterval() {
      return interval;
    }

    @Override
    public LengthPrediction revise(LengthQuery query, LengthPrediction earlier, int made) {
      revisedAt.add(made);
      return LengthPrediction.exactly(revisedTokens);
    }

    @Override
    public void observe(LengthFeedback observed) {
      feedback.add(observed);
    }
  }
}
