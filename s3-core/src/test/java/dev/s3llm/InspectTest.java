package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineInspection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests of inspections of a whole engine. */
@Timeout(120)
class InspectTest {
  private final FakeExecutor executor = FakeExecutor.held();
  private final List<EngineEvent> events = new CopyOnWriteArrayList<>();
  private final S3Engine engine =
      S3Engine.builder(executor)
          .listener(events::add)
          .threadFactory(
              task -> {
                Thread thread = new Thread(task, "of the engine");
                thread.setDaemon(true);
                return thread;
              })
          .callbackExecutor(task -> new Thread(task, "of callbacks").start())
          .build();

  @AfterEach
  void close() {
    executor.release(1_000_000);
    engine.closeNow();
  }

  @Test
  void whileAStepRuns_theLoopAnswersOnACallbackThread() throws Exception {
    engine.submit(GenerationRequest.builder(1, 2, 3, 4, 5).maxNewTokens(50).build());
    await().until(() -> engine.snapshot().requests().running() == 1);
    CompletableFuture<String> thread =
        engine.inspect().thenApply(seen -> Thread.currentThread().getName());
    EngineInspection seen = engine.inspect().get(30, TimeUnit.SECONDS);
    assertThat(seen.running()).singleElement().satisfies(r -> assertThat(r.blocks()).hasSize(2));
    assertThat(thread.get(30, TimeUnit.SECONDS)).isNotEqualTo("of the engine");
  }

  @Test
  void loopThatHangs_answersWhenItMovesAgain() throws Exception {
    CountDownLatch hang = new CountDownLatch(1);
    executor.onExecute = batch -> awaitQuietly(hang);
    engine.submit(GenerationRequest.builder(1).maxNewTokens(5).build());
    await().until(() -> executor.steps == 1);
    CompletableFuture<EngineInspection> answer = engine.inspect();
    assertThat(answer).isNotDone();
    hang.countDown();
    assertThat(answer.get(30, TimeUnit.SECONDS).running()).hasSize(1);
  }

  @Test
  void closedEngine_refusesInspections() {
    executor.release(1_000);
    engine.close();
    assertThatThrownBy(() -> engine.inspect().get(30, TimeUnit.SECONDS))
        .hasRootCauseMessage("the engine was closed");
  }

  @Test
  void endedRequest_saysWhatWasPredictedAndWhenItsFirstTokenCame() {
    executor.release(1_000);
    engine.submit(GenerationRequest.builder(1).id("x").maxNewTokens(5).build()).result().join();
    await().untilAsserted(() -> assertThat(events).anyMatch(EngineEvent.Ended.class::isInstance));
    EngineEvent.Ended ended =
        events.stream()
            .filter(EngineEvent.Ended.class::isInstance)
            .map(EngineEvent.Ended.class::cast)
            .findFirst()
            .orElseThrow();
    assertThat(ended.prediction()).isNotNull();
    assertThat(ended.firstTokenNanos()).isPositive();
    assertThat(ended.outputTokens()).isEqualTo(5);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
