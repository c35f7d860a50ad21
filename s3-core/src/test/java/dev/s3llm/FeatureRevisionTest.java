package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.ForwardingPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.testkit.HandDrivenEngine;
import dev.s3llm.testkit.HashExecutor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Predictions are revised from features of the executor, and tokens never depend on them. */
class FeatureRevisionTest {
  private static final int WIDTH = 3;
  private static final int REVISED = 41;
  private static final int[] PROMPT = {1, 2, 3};

  private final List<Integer> known = new ArrayList<>();
  private final List<float[]> features = new ArrayList<>();
  private final List<CompletableFuture<LengthPrediction>> open = new ArrayList<>();
  private final List<Double> planned = new ArrayList<>();

  @Test
  void features_areReadAtThePromptsEnd_andAfterEachInterval() {
    generate(new Reading(8), executor(WIDTH), 30);
    assertThat(known).containsExactly(0, 8, 16, 24);
    assertThat(features).allSatisfy(f -> assertThat(f).hasSize(WIDTH));
    assertThat(features.stream().map(Arrays::toString).distinct()).hasSize(4);
  }

  @Test
  void features_areNotRequested_whereThePredictorWantsNone_orTheExecutorHasNone() {
    int[] requests = {0};
    UnaryOperator<StepResult> none = result -> result;
    Executor counting =
        new Altered(executor(WIDTH), none) {
          @Override
          public CompletionStage<StepResult> execute(StepBatch batch) {
            batch.sequences().forEach(s -> requests[0] += s.wantsFeatures() ? 1 : 0);
            return super.execute(batch);
          }
        };
    generate(new Reading(0), counting, 20);
    generate(new Reading(8), executor(0), 20);
    assertThat(requests[0]).isZero();
    assertThat(known).isEmpty();
  }

  @Test
  void revision_replacesThePrediction() {
    generate(new Reading(8), executor(WIDTH), 80);
    assertThat(planned).contains(80.0, (double) REVISED);
    assertThat(planned.indexOf((double) REVISED)).isLessThan(6);
  }

  @Test
  void answerWithAnOpenRequest_makesNoFurtherOne_andALateRevisionIsApplied() {
    Reading late =
        new Reading(4) {
          @Override
          CompletionStage<LengthPrediction> answer() {
            open.add(new CompletableFuture<>());
            return open.get(open.size() - 1);
          }
        };
    try (HandDrivenEngine driven = engine(late, executor(WIDTH))) {
      Generation generation = driven.engine().submit(request(80));
      passes(driven, 20);
      assertThat(known).containsExactly(0);
      assertThat(planned).doesNotContain((double) REVISED);
      open.get(0).complete(LengthPrediction.exactly(REVISED));
      passes(driven, 3);
      assertThat(planned).contains((double) REVISED);
      assertThat(known).hasSize(2);
      assertThat(known.get(1)).isBetween(17, 22);
      generation.cancel();
      driven.run();
      open.get(1).complete(LengthPrediction.exactly(3)); // of an answer that has ended
      Generation next = driven.engine().submit(request(5));
      driven.run();
      assertThat(next.result().join().tokens()).isEqualTo(expected(5));
    }
  }

  /** What a predictor or an executor may do wrong with features. */
  enum Wrong {
    THROWS,
    NULL_STAGE,
    FAILS,
    NULL_PREDICTION,
    TINY,
    HUGE,
    CHANGES_THE_ARRAY,
    INTERVAL_THROWS,
    TOO_FEW,
    TOO_MANY,
    NOT_FINITE
  }

  @ParameterizedTest
  @EnumSource
  void wrongFeaturesAndPredictions_changeNoToken(Wrong wrong) {
    try (HandDrivenEngine driven = engine(new Faulty(wrong), altered(wrong))) {
      List<Generation> all = new ArrayList<>();
      for (int i = 0; i < 6; i++) { // 96 slots for 6 x 43: some are preempted
        all.add(driven.engine().submit(request(40)));
      }
      driven.run();
      assertThat(all)
          .allSatisfy(g -> assertThat(g.result().join().tokens()).isEqualTo(expected(40)));
      boolean harmless =
          List.of(Wrong.TINY, Wrong.HUGE, Wrong.CHANGES_THE_ARRAY, Wrong.NOT_FINITE).contains(wrong)
              || wrong == Wrong.INTERVAL_THROWS;
      long fallbacks = driven.engine().snapshot().predictions().fallbacks();
      assertThat(fallbacks > 0).isEqualTo(!harmless);
    }
  }

  private Executor altered(Wrong wrong) {
    return new Altered(
        executor(WIDTH),
        result ->
            result.features().length == 0
                ? result
                : switch (wrong) {
                  case TOO_FEW -> result.withFeatures(1);
                  case TOO_MANY ->
                      result.withFeatures(
                          Arrays.copyOf(result.features(), result.features().length + 1));
                  case NOT_FINITE -> {
                    float[] values = result.features().clone();
                    Arrays.fill(values, Float.NaN);
                    yield result.withFeatures(values);
                  }
                  default -> result;
                });
  }

  private void generate(LengthPredictor predictor, Executor executor, int tokens) {
    try (HandDrivenEngine driven = engine(predictor, executor)) {
      Generation generation = driven.engine().submit(request(tokens));
      driven.run();
      assertThat(generation.result().join().tokens()).isEqualTo(expected(tokens));
    }
  }

  private static void passes(HandDrivenEngine driven, int count) {
    for (int i = 0; i < count; i++) {
      driven.pass();
    }
  }

  private HandDrivenEngine engine(LengthPredictor predictor, Executor executor) {
    MemoryPlanner planner =
        new ForwardingPlanner(new OnDemandPlanner()) {
          @Override
          public void beginPlan(MemoryView view) {
            view.running().forEach(running -> planned.add(running.prediction().mean()));
            super.beginPlan(view);
          }
        };
    return HandDrivenEngine.of(executor, b -> b.predictor(predictor).planner(planner));
  }

  private static GenerationRequest request(int tokens) {
    return GenerationRequest.builder(PROMPT)
        .maxNewTokens(tokens)
        .sampling(SamplingParameters.ofTemperature(1, 7))
        .build();
  }

  private static int[] expected(int tokens) {
    return HashExecutor.expected(
        PROMPT, SamplingParameters.ofTemperature(1, 7), tokens, new int[0], 50);
  }

  private static Executor executor(int width) {
    HashExecutor hash =
        new HashExecutor(
            ExecutorProfile.builder()
                .kvBlocks(24, 4, 64)
                .maxContextTokens(96)
                .maxTokensPerStep(32)
                .maxSequencesPerStep(8)
                .vocabularySize(50)
                .featureWidth(width)
                .build());
    return new Immediate(hash);
  }

  /** Completes each step at its launch. */
  private static final class Immediate extends ForwardingExecutor {
    private final HashExecutor hash;

    Immediate(HashExecutor hash) {
      super(hash);
      this.hash = hash;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      CompletionStage<StepResult> stage = super.execute(batch);
      hash.complete();
      return stage;
    }
  }

  /** Changes the results of another executor. */
  private static class Altered extends ForwardingExecutor {
    private final UnaryOperator<StepResult> change;

    Altered(Executor delegate, UnaryOperator<StepResult> change) {
      super(delegate);
      this.change = change;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return super.execute(batch).thenApply(change);
    }
  }

  /** Predicts 90 tokens or the limit, and from features 41. */
  private class Reading implements LengthPredictor {
    private final int interval;

    Reading(int interval) {
      this.interval = interval;
    }

    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      return CompletableFuture.completedFuture(LengthPrediction.exactly(90));
    }

    @Override
    public int featureInterval(int width) {
      return interval;
    }

    @Override
    public CompletionStage<LengthPrediction> reviseFrom(
        LengthQuery query, LengthPrediction earlier, int generatedTokens, float[] values) {
      known.add(generatedTokens);
      features.add(values);
      return answer();
    }

    CompletionStage<LengthPrediction> answer() {
      return CompletableFuture.completedFuture(LengthPrediction.exactly(REVISED));
    }
  }

  /** Does something wrong with features. */
  private final class Faulty extends Reading {
    private final Wrong wrong;

    Faulty(Wrong wrong) {
      super(4);
      this.wrong = wrong;
    }

    @Override
    public int featureInterval(int width) {
      if (wrong == Wrong.INTERVAL_THROWS) {
        throw new NoClassDefFoundError("planted");
      }
      return super.featureInterval(width);
    }

    @Override
    public CompletionStage<LengthPrediction> reviseFrom(
        LengthQuery query, LengthPrediction earlier, int generatedTokens, float[] values) {
      Arrays.fill(values, Float.NaN);
      return switch (wrong) {
        case THROWS -> throw new StackOverflowError("planted");
        case NULL_STAGE -> null;
        case FAILS -> CompletableFuture.failedFuture(new LinkageError("planted"));
        case NULL_PREDICTION -> CompletableFuture.completedFuture(null);
        case TINY -> CompletableFuture.completedFuture(LengthPrediction.exactly(1));
        case HUGE -> CompletableFuture.completedFuture(LengthPrediction.exactly(Integer.MAX_VALUE));
        default -> answer();
      };
    }
  }
}
