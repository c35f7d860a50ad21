package dev.s3llm.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class HandDrivenEngineTest {
  private static final ExecutorProfile PROFILE =
      ExecutorProfile.builder()
          .kvBlocks(12, 4, 1)
          .maxContextTokens(40)
          .maxTokensPerStep(16)
          .maxSequencesPerStep(4)
          .vocabularySize(50)
          .build();

  @Test
  void tokens_areThoseOfTheReference() {
    try (HandDrivenEngine driven = HandDrivenEngine.of(new InPlace(), UnaryOperator.identity())) {
      Generation generation = driven.engine().submit(request(1).build());
      assertThat(generation.result()).isNotDone();
      assertThat(driven.run()).isPositive();
      assertThat(generation.result().join().tokens())
          .containsExactly(
              HashExecutor.expected(
                  new int[] {1, 2, 3}, SamplingParameters.ofTemperature(1, 1), 20, new int[0], 50));
      assertThat(driven.nanos()).as("time does not advance by itself").isZero();
    }
  }

  @Test
  void decisions_areTheSameInEachRun() {
    assertThat(eventsOfARun()).hasSizeGreaterThan(20).isEqualTo(eventsOfARun());
  }

  @Test
  void deadline_comesWhenTheTestAdvancesTheTime() {
    try (HandDrivenEngine driven = HandDrivenEngine.of(new InPlace(), UnaryOperator.identity())) {
      Generation late = driven.engine().submit(request(1).deadline(Duration.ofSeconds(3)).build());
      driven.pass();
      driven.advance(Duration.ofSeconds(3));
      driven.run();
      assertThat(late.result().join().finishReason()).isEqualTo(FinishReason.TIMEOUT);
      assertThat(late.result().join().total()).isEqualTo(Duration.ofSeconds(3));
    }
  }

  @Test
  @Timeout(60)
  void executorWithAThreadOfItsOwn_isWaitedFor() {
    ExecutorService worker = Executors.newSingleThreadExecutor();
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(new OnAnotherThread(worker), UnaryOperator.identity())) {
      for (int seed = 0; seed < 200; seed++) {
        Generation generation = driven.engine().submit(request(seed).build());
        driven.run();
        assertThat(generation.result()).isDone();
        assertThat(generation.result().join().outputTokens()).isEqualTo(20);
      }
    } finally {
      worker.shutdownNow();
    }
  }

  @Test
  void close_cancelsWhatIsLive() {
    HandDrivenEngine driven = HandDrivenEngine.of(new InPlace(), UnaryOperator.identity());
    Generation generation = driven.engine().submit(request(1).build());
    driven.pass();
    driven.close();
    assertThat(generation.result().join().finishReason()).isEqualTo(FinishReason.CANCELLED);
  }

  private static List<String> eventsOfARun() {
    List<String> events = new ArrayList<>();
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(
            new InPlace(),
            b -> b.planner(new OnDemandPlanner(0)).listener(e -> events.add(describe(e))))) {
      for (int seed = 0; seed < 6; seed++) {
        driven.engine().submit(request(seed).id("r" + seed).build());
        driven.pass();
        driven.advance(Duration.ofMillis(1));
      }
      driven.run();
    }
    return events;
  }

  private static String describe(EngineEvent event) {
    return event.toString();
  }

  private static GenerationRequest.Builder request(int seed) {
    return GenerationRequest.builder(1, 2, 3)
        .maxNewTokens(20)
        .sampling(SamplingParameters.ofTemperature(1, seed));
  }

  /** Completes each step before {@code execute} returns. */
  private static final class InPlace extends ForwardingExecutor {
    private final HashExecutor hash;

    InPlace() {
      this(new HashExecutor(PROFILE));
    }

    private InPlace(HashExecutor hash) {
      super(hash);
      this.hash = hash;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return CompletableFuture.completedFuture(hash.run(batch));
    }
  }

  /** Runs each step on a thread of its own. */
  private static final class OnAnotherThread extends ForwardingExecutor {
    private final HashExecutor hash;
    private final ExecutorService worker;

    OnAnotherThread(ExecutorService worker) {
      this(new HashExecutor(PROFILE), worker);
    }

    private OnAnotherThread(HashExecutor hash, ExecutorService worker) {
      super(hash);
      this.hash = hash;
      this.worker = worker;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return CompletableFuture.supplyAsync(() -> hash.run(batch), worker);
    }
  }
}
