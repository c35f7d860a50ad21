package dev.s3llm;

import static dev.s3llm.Engines.result;
import static dev.s3llm.Engines.submit;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests of closing an engine in unusual places; {@link LifecycleTest} has the usual ones. */
@Timeout(120)
class CloseTest {
  private final FakeExecutor executor = FakeExecutor.immediate();

  @Test
  void closeFromThePredictor_ends() throws Exception {
    AtomicReference<S3Engine> self = new AtomicReference<>();
    LengthPredictor closing =
        query -> {
          self.get().close();
          return CompletableFuture.completedFuture(LengthPrediction.exactly(3));
        };
    S3Engine engine = S3Engine.builder(executor).predictor(closing).build();
    self.set(engine);
    Generation generation = submit(engine, 3);
    assertThat(result(generation).outputTokens()).as("graceful").isEqualTo(3);
    await().until(() -> executor.closes == 1);
  }

  @Test
  void closeOnTheLoopsThread_tellsWhenItHasEnded() throws Exception {
    FakeExecutor held = FakeExecutor.held();
    S3Engine engine = S3Engine.builder(held).callbackExecutor(Runnable::run).build();
    Generation first = submit(engine, 1);
    Generation second = submit(engine, 3);
    CompletableFuture<Boolean> endedAtOnce =
        first
            .result()
            .thenApply(
                end -> {
                  engine.close();
                  return engine.whenClosed().isDone();
                });
    CompletableFuture<Void> ended = engine.whenClosed();
    assertThat(ended).isNotDone();
    held.release(100);
    assertThat(endedAtOnce.get(60, TimeUnit.SECONDS)).isFalse();
    ended.get(60, TimeUnit.SECONDS);
    assertThat(second.result()).isDone();
    assertThat(held.closes).isEqualTo(1);
  }

  @Test
  void closeFromAListenerOnTheWatchdogsThread_ends() throws Exception {
    AtomicReference<S3Engine> self = new AtomicReference<>();
    FakeExecutor held = FakeExecutor.held();
    S3Engine engine =
        S3Engine.builder(held)
            .callbackExecutor(Runnable::run)
            .stuckAfter(Duration.ofMillis(200))
            .closeTimeout(Duration.ofMillis(100))
            .listener(
                event -> {
                  if (event instanceof dev.s3llm.observe.EngineEvent.EngineStuck) {
                    self.get().close();
                  }
                })
            .build();
    self.set(engine);
    assertThat(result(submit(engine, 3)).finishReason())
        .isIn(FinishReason.CANCELLED, FinishReason.FAILED);
    await().until(() -> engine.health().reason().contains("closed"));
  }

  @Test
  void closeNowDuringClose_cancelsWhatItWaitsFor() throws Exception {
    Endless endless = new Endless();
    S3Engine engine =
        S3Engine.builder(endless).closeTimeout(Duration.ofSeconds(Long.MAX_VALUE)).build();
    Generation generation = submit(engine, 1_000_000);
    Thread closer = new Thread(engine::close);
    closer.start();
    await().until(() -> engine.health().reason().contains("closed"));
    engine.closeNow();
    assertThat(result(generation).finishReason()).isEqualTo(FinishReason.CANCELLED);
    closer.join(60_000);
    assertThat(closer.isAlive()).isFalse();
    assertThat(endless.closes).isEqualTo(1);
  }

  @Test
  void limitsWithoutEnd_areNone() throws Exception {
    Duration endless = Duration.ofSeconds(Long.MAX_VALUE);
    S3Engine engine =
        S3Engine.builder(executor)
            .closeTimeout(endless)
            .stuckAfter(endless)
            .timePerOutputToken(endless)
            .build();
    assertThat(result(submit(engine, 3)).outputTokens()).isEqualTo(3);
    engine.close();
    assertThat(executor.closes).isEqualTo(1);
  }

  @Test
  void closeByAnInterruptedThread_isPromptAndLosesNoFuture() throws Exception {
    FakeExecutor held = FakeExecutor.held();
    S3Engine engine = S3Engine.builder(held).closeTimeout(Duration.ofHours(1)).build();
    Generation generation = submit(engine, 3);
    await().until(() -> engine.snapshot().requests().running() == 1);
    Thread closer =
        new Thread(
            () -> {
              Thread.currentThread().interrupt();
              engine.close();
            });
    closer.start();
    closer.join(60_000);
    assertThat(closer.isAlive()).isFalse();
    assertThat(result(generation).finishReason()).isIn(FinishReason.CANCELLED, FinishReason.FAILED);
  }

  @Test
  void partThatHangsWhenClosed_boundsClose() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    LengthPredictor hanging =
        new LengthPredictor() {
          @Override
          public CompletionStage<LengthPrediction> predict(LengthQuery query) {
            return CompletableFuture.completedFuture(LengthPrediction.exactly(3));
          }

          @Override
          public void close() {
            try {
              never.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    S3Engine engine =
        S3Engine.builder(executor).predictor(hanging).closeTimeout(Duration.ofMillis(100)).build();
    assertThat(result(submit(engine, 3)).outputTokens()).isEqualTo(3);
    engine.close(); // if it hangs, the test times out
    never.countDown();
    await().until(() -> executor.closes == 1);
  }

  @Test
  void closeInAShutdownHook_letsTheJvmEnd() throws Exception {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Process process =
        new ProcessBuilder(
                java.toString(),
                "-cp",
                System.getProperty("java.class.path"),
                HookedProgram.class.getName())
            .redirectErrorStream(true)
            .start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      String output = new String(process.getInputStream().readAllBytes());
      assertThat(output).contains("closed, CANCELLED, executor closed 1 time(s)");
    } finally {
      process.destroyForcibly();
    }
  }

  /**
   * A program that exits while a request runs for ever, and whose shutdown hook closes the engine.
   */
  static final class HookedProgram {
    private HookedProgram() {}

    public static void main(String[] args) {
      Endless executor = new Endless();
      S3Engine engine = S3Engine.builder(executor).build();
      Generation generation =
          engine.submit(GenerationRequest.builder(1).maxNewTokens(1_000_000).build());
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    engine.closeNow();
                    System.out.printf(
                        "closed, %s, executor closed %d time(s)%n",
                        generation.result().join().finishReason(), executor.closes);
                  }));
      System.exit(0);
    }
  }

  /** An executor whose steps take a millisecond. */
  private static final class Endless implements dev.s3llm.execute.Executor {
    private static final ExecutorProfile PROFILE =
        ExecutorProfile.builder()
            .kvBlocks(100_000, 16, 1)
            .maxContextTokens(1_600_000)
            .maxTokensPerStep(64)
            .maxSequencesPerStep(8)
            .vocabularySize(50)
            .build();
    private int closes;

    @Override
    public ExecutorProfile profile() {
      return PROFILE;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      int[] tokens = batch.sequences().stream().mapToInt(s -> s.samples() ? 1 : -1).toArray();
      return CompletableFuture.supplyAsync(
          () -> StepResult.of(tokens), CompletableFuture.delayedExecutor(1, TimeUnit.MILLISECONDS));
    }

    @Override
    public void close() {
      closes++;
    }
  }
}
