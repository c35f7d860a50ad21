package dev.s3llm.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.FakeExecutor;
import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.S3Engine;
import dev.s3llm.observe.FinishReason;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SteadyClockTest {
  private final AtomicLong clock = new AtomicLong(100);
  private final SteadyClock steady = new SteadyClock(clock::get);

  @Test
  void clockThatRuns_isFollowed() {
    clock.set(250);
    assertThat(steady.getAsLong()).isEqualTo(250);
    clock.set(Long.MAX_VALUE / 2);
    assertThat(steady.getAsLong()).isEqualTo(Long.MAX_VALUE / 2);
  }

  @Test
  void clockThatJumpsBack_goesOnFromWhereItWas() {
    clock.set(1_000);
    assertThat(steady.getAsLong()).isEqualTo(1_000);
    clock.set(-7_000_000);
    assertThat(steady.getAsLong()).isEqualTo(1_000);
    clock.addAndGet(30);
    assertThat(steady.getAsLong()).isEqualTo(1_030);
    clock.addAndGet(-1);
    assertThat(steady.getAsLong()).isEqualTo(1_030);
    clock.addAndGet(5);
    assertThat(steady.getAsLong()).isEqualTo(1_035);
  }

  @Test
  void deadline_survivesAJumpBack() throws Exception {
    FakeExecutor executor = FakeExecutor.held();
    try (S3Engine engine = S3Engine.builder(executor).clock(clock::get).build()) {
      Generation generation =
          engine.submit(
              GenerationRequest.builder(1)
                  .maxNewTokens(90)
                  .deadline(Duration.ofNanos(1_000))
                  .build());
      clock.set(-5_000_000_000L);
      engine.submit(GenerationRequest.builder(1).maxNewTokens(1).build()); // reads the clock
      clock.addAndGet(1_000);
      executor.release(1_000); // so does each pass
      GenerationResult result = generation.result().get(60, TimeUnit.SECONDS);
      assertThat(result.finishReason()).isEqualTo(FinishReason.TIMEOUT);
      assertThat(result.total()).isPositive();
      assertThat(result.queued().isNegative()).isFalse();
    }
  }
}
