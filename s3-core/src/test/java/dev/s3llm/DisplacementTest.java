package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.testkit.HandDrivenEngine;
import dev.s3llm.testkit.HashExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A request with little left takes the place of a running one with much left. */
class DisplacementTest {
  private static final int VOCABULARY = 50;
  private static final Duration STEP = Duration.ofMillis(5);

  private final List<String> ended = new ArrayList<>();
  private final Map<String, Integer> preemptions = new HashMap<>();
  private final Map<String, Integer> admissions = new HashMap<>();

  @ParameterizedTest(name = "{0} blocks of host memory")
  @ValueSource(ints = {0, 64})
  void shortRequest_takesThePlaceOfALongOne_whichGoesOnWithTheSameTokens(int hostBlocks) {
    try (HandDrivenEngine driven = engine(srpt(), profile(1, 64, hostBlocks))) {
      Generation first = warm(driven, 200);
      Generation little = driven.engine().submit(request("short", 10).build());
      run(driven, 1);
      assertThat(admissions).containsKeys("long", "short");
      finish(driven);
      assertThat(ended).containsExactly("short", "long");
      assertThat(preemptions).containsOnly(Map.entry("long", 1));
      assertThat(driven.engine().snapshot().work().preempted())
          .isEqualTo(new EngineSnapshot.Preempted(0, 0, 1));
      assertThat(first.result().join().tokens()).containsExactly(expected(200));
      assertThat(little.result().join().tokens()).containsExactly(expected(10));
    }
  }

  @Test
  void longRequest_givesWayOnceAtMost() {
    try (HandDrivenEngine driven = engine(srpt(), profile(1, 64, 0))) {
      warm(driven, 200);
      for (int i = 0; i < 10; i++) {
        driven.engine().submit(request("short" + i, 10).build());
        run(driven, 15);
      }
      finish(driven);
      assertThat(preemptions).containsOnly(Map.entry("long", 1));
    }
  }

  @Test
  void fullMemory_isAReasonToo_andTheNewcomerStartsInTheSameStep() {
    try (HandDrivenEngine driven = engine(srpt(), profile(4, 52, 0))) {
      warm(driven, 200); // 51 blocks of 4 tokens
      driven.engine().submit(request("short", 10).build());
      run(driven, 1);
      assertThat(preemptions).containsOnly(Map.entry("long", 1));
      assertThat(admissions).containsEntry("short", 1);
      finish(driven);
      assertThat(ended).containsExactly("short", "long");
    }
  }

  @Test
  void requestThatFitsAnyway_displacesNobody() {
    try (HandDrivenEngine driven = engine(srpt(), profile(4, 64, 0))) {
      warm(driven, 200);
      driven.engine().submit(request("short", 10).build());
      finish(driven);
      assertThat(ended).containsExactly("short", "long");
      assertThat(preemptions).isEmpty();
    }
  }

  @Test
  void requestThatWouldNotFitInItsPlace_displacesNobody() {
    try (HandDrivenEngine driven = engine(srpt(), profile(4, 100, 0))) {
      warm(driven, 160); // 41 blocks
      driven.engine().submit(request("other", 160).build());
      run(driven, 2); // 82 blocks
      driven
          .engine()
          .submit(
              GenerationRequest.builder(new int[250]) // 63 blocks with its answer
                  .id("big")
                  .maxNewTokens(2)
                  .build());
      run(driven, 5);
      assertThat(admissions).doesNotContainKey("big");
      assertThat(preemptions).isEmpty();
    }
  }

  @Test
  void runningRequestInItsSecondHalf_orOfHigherPriority_keepsItsPlace() {
    try (HandDrivenEngine driven = engine(srpt(), profile(1, 64, 0))) {
      warm(driven, 100);
      run(driven, 40); // of 100 tokens
      driven.engine().submit(request("short", 3).build());
      finish(driven);
      driven.engine().submit(request("long2", 200).priority(1).build());
      run(driven, 3);
      driven.engine().submit(request("short2", 3).build());
      finish(driven);
      assertThat(ended).containsExactly("long", "short", "long2", "short2");
    }
  }

  @Test
  void costlyRecovery_isWeighedAgainstTheGain() {
    ExecutorProfile costly = profile(1, 64, 0, new RecoveryCosts(0, 1e9));
    try (HandDrivenEngine driven = engine(srpt(), costly)) {
      warm(driven, 200);
      driven.engine().submit(request("short", 10).build());
      finish(driven);
      assertThat(ended).containsExactly("long", "short");
    }
  }

  @Test
  void orderOfArrival_displacesNobody() {
    try (HandDrivenEngine driven =
        engine(SchedulingPolicies.firstComeFirstServed(), profile(1, 64, 0))) {
      warm(driven, 200);
      driven.engine().submit(request("short", 10).build());
      finish(driven);
      assertThat(ended).containsExactly("long", "short");
    }
  }

  @Test
  void otherTenants_giveWayOnlyIfTheyHadMore() {
    try (HandDrivenEngine driven = engine(srpt(), profile(2, 120, 0))) {
      for (int i = 0; i < 20; i++) {
        driven.engine().submit(request("before" + i, 30).tenant("busy").build());
      }
      finish(driven);
      ended.clear();
      driven.engine().submit(request("modest", 200).tenant("modest").build());
      driven.engine().submit(request("long", 200).tenant("busy").build());
      run(driven, 3);
      driven.engine().submit(request("short", 10).tenant("busy").build());
      finish(driven);
      assertThat(preemptions).containsOnly(Map.entry("long", 1));
    }
  }

  /** Random arrivals, sizes and memory: all end with their tokens, and each gives way in bounds. */
  @Test
  void anyMix_endsWithTheSameTokens() {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      preemptions.clear();
      Executor executor = immediate(profile(1 + random.nextInt(4), 40, seed % 2 * 40));
      try (HandDrivenEngine driven =
          HandDrivenEngine.of(executor, b -> settings(b, srpt()).planner(new ForecastPlanner()))) {
        List<Generation> answers = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
          int tokens = random.nextInt(4) == 0 ? 100 : 1 + random.nextInt(12);
          answers.add(driven.engine().submit(request("r" + i, tokens).build()));
          run(driven, random.nextInt(12));
        }
        finish(driven);
        for (Generation answer : answers) {
          int[] tokens = answer.result().join().tokens();
          assertThat(tokens).as("seed %d", seed).containsExactly(expected(tokens.length));
        }
      }
      assertThat(preemptions).as("seed %d", seed).isNotEmpty();
    }
  }

  // ---- the engine under test

  private static SchedulingPolicy srpt() {
    return SchedulingPolicies.shortestRemainingFirst(0);
  }

  /** Lets the step-time model observe enough steps, and starts a long request. */
  private Generation warm(HandDrivenEngine driven, int tokens) {
    driven.engine().submit(request("warm", 30).build());
    finish(driven);
    ended.clear();
    admissions.clear();
    Generation first = driven.engine().submit(request("long", tokens).build());
    run(driven, 20);
    return first;
  }

  private static void run(HandDrivenEngine driven, int passes) {
    for (int i = 0; i < passes; i++) {
      driven.pass();
      driven.advance(STEP);
    }
  }

  private static void finish(HandDrivenEngine driven) {
    while (driven.engine().liveRequests() > 0) {
      run(driven, 1);
    }
  }

  private HandDrivenEngine engine(SchedulingPolicy order, ExecutorProfile profile) {
    return HandDrivenEngine.of(
        immediate(profile), b -> settings(b, order).planner(new WorstCasePlanner()));
  }

  private static Executor immediate(ExecutorProfile profile) {
    HashExecutor executor = new HashExecutor(profile);
    return new ForwardingExecutor(executor) {
      @Override
      public CompletionStage<StepResult> execute(StepBatch batch) {
        return CompletableFuture.completedFuture(executor.run(batch));
      }
    };
  }

  private EngineBuilder settings(EngineBuilder builder, SchedulingPolicy order) {
    LengthPredictor exact =
        query -> CompletableFuture.completedFuture(LengthPrediction.exactly(query.maxNewTokens()));
    return builder
        .predictor(exact)
        .schedulingPolicy(order)
        .maxLiveRequests(1_000)
        .listener(this::onEvent);
  }

  private void onEvent(EngineEvent event) {
    if (event instanceof EngineEvent.Ended end) {
      ended.add(end.requestId());
    } else if (event instanceof EngineEvent.Preempted preempted) {
      preemptions.merge(preempted.requestId(), 1, Integer::sum);
    } else if (event instanceof EngineEvent.Admitted admitted) {
      admissions.merge(admitted.requestId(), 1, Integer::sum);
    }
  }

  private static ExecutorProfile profile(int sequences, int blocks, int hostBlocks) {
    return profile(sequences, blocks, hostBlocks, new RecoveryCosts(hostBlocks > 0 ? 1 : 0, 10));
  }

  private static ExecutorProfile profile(
      int sequences, int blocks, int hostBlocks, RecoveryCosts costs) {
    return ExecutorProfile.builder()
        .kvBlocks(blocks, 4, 64)
        .hostBlocks(hostBlocks)
        .maxContextTokens(blocks * 4)
        .maxTokensPerStep(300)
        .maxSequencesPerStep(sequences)
        .vocabularySize(VOCABULARY)
        .recoveryCosts(costs)
        .build();
  }

  private static GenerationRequest.Builder request(String id, int tokens) {
    return GenerationRequest.builder(1, 2, 3).id(id).maxNewTokens(tokens);
  }

  private static int[] expected(int tokens) {
    return HashExecutor.expected(
        new int[] {1, 2, 3}, SamplingParameters.GREEDY, tokens, new int[0], VOCABULARY);
  }
}
