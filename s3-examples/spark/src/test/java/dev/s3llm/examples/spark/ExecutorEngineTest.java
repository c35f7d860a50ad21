package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.S3Engine;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepResult;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ExecutorEngineTest {
  @Test
  void engineWhoseStepHangs_letsNoOtherBeMadeBesideIt() throws InterruptedException {
    CompletableFuture<StepResult> never = new CompletableFuture<>();
    Executor stuck = new GeneratedRowsTest.Stuck(GeneratedRowsTest.host(), never);
    PerExecutor<String, ExecutorEngine> engines =
        new PerExecutor<>(key -> engine(stuck), Duration.ofMinutes(1));
    PerExecutor<String, ExecutorEngine>.Lease lease = engines.lease("a");
    TextGenerator generator = lease.thing().generator();
    generator.submit(TextRequest.of("Hello"));
    while (generator.engine().snapshot().running() == 0) {
      Thread.sleep(1);
    }
    lease.discard();
    lease.close();

    assertThatThrownBy(() -> engines.lease("a"))
        .hasMessageContaining("cannot be closed")
        .hasRootCauseMessage("the executor has not closed, so its memory stays in use");
    stuck.close();
  }

  @Test
  @Timeout(120)
  void engineThatClosesLate_letsAnotherBeMadeThen() throws InterruptedException {
    CompletableFuture<Void> gate = new CompletableFuture<>();
    PerExecutor<String, ExecutorEngine> engines =
        new PerExecutor<>(
            key -> engine(new SlowToClose(GeneratedRowsTest.host(), gate::join)),
            Duration.ofMinutes(1));
    PerExecutor<String, ExecutorEngine>.Lease lease = engines.lease("a");
    lease.discard();
    lease.close();
    assertThatThrownBy(() -> engines.lease("a")).hasMessageContaining("cannot be closed");
    gate.complete(null);

    while (!leases(engines)) {
      Thread.sleep(10);
    }
    engines.closeAll();
  }

  @Test
  void interruptedThread_waitsForTheExecutorToCloseAsOthersDo() {
    ExecutorEngine engine =
        engine(new SlowToClose(GeneratedRowsTest.host(), ExecutorEngineTest::pause));
    Thread.currentThread().interrupt();

    assertThatCode(engine::close).doesNotThrowAnyException();
    assertThat(Thread.interrupted()).isTrue();
  }

  private static ExecutorEngine engine(Executor real) {
    TrackedExecutor executor = new TrackedExecutor(real);
    S3Engine engine = S3Engine.builder(executor).closeTimeout(Duration.ofSeconds(2)).build();
    return new ExecutorEngine(
        TextGenerator.of(engine, TextModel.load(SmallModel.unpack())), executor);
  }

  private static boolean leases(PerExecutor<String, ExecutorEngine> engines) {
    try {
      engines.lease("a").close();
      return true;
    } catch (IllegalStateException e) {
      assertThat(e).hasMessageContaining("cannot be closed");
      return false;
    }
  }

  private static void pause() {
    LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
  }

  private static final class SlowToClose extends ForwardingExecutor {
    private final Runnable delay;

    SlowToClose(Executor real, Runnable delay) {
      super(real);
      this.delay = delay;
    }

    @Override
    public void close() {
      delay.run();
      super.close();
    }
  }
}
