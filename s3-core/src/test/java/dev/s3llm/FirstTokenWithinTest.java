package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.error.FirstTokenTooLateException;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.observe.LatencyEstimate;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FirstTokenWithinTest {
  private static final LatencyEstimate ESTIMATE =
      new LatencyEstimate(Duration.ofSeconds(2), Duration.ofSeconds(3), Duration.ofSeconds(9));

  @Test
  void requestThatWouldBeLate_isRefusedWithTheTimeToRetry() {
    RuntimeException refusal = sink(request(Duration.ofSeconds(1))).onQueued(ESTIMATE);
    assertThat(refusal)
        .isInstanceOfSatisfying(
            FirstTokenTooLateException.class,
            e -> {
              assertThat(e.requestId()).isEqualTo("r");
              assertThat(e.expected()).isEqualTo(Duration.ofSeconds(3));
              assertThat(e.retryAfter()).isEqualTo(Duration.ofSeconds(2));
            })
        .hasMessageContaining("firstTokenWithin");
  }

  @Test
  void requestInTime_withoutALimit_orWithoutAnEstimate_isQueued() {
    assertThat(sink(request(Duration.ofSeconds(3))).onQueued(ESTIMATE)).isNull();
    assertThat(sink(request(null)).onQueued(ESTIMATE)).isNull();
    assertThat(sink(request(Duration.ofMillis(1))).onQueued(null)).isNull();
  }

  @Test
  void limitThatIsNotPositive_isRefusedAtOnce() {
    assertThatThrownBy(() -> GenerationRequest.builder(1).firstTokenWithin(Duration.ZERO))
        .hasMessageContaining("firstTokenWithin must be positive");
  }

  @Test
  void estimate_isOnTheHandle() {
    Generation generation =
        new Generation(request(null), Runnable::run, 0, () -> {}, g -> {}, e -> {});
    generation.sink().onQueued(ESTIMATE);
    assertThat(generation.estimate().join()).contains(ESTIMATE);
  }

  @Test
  void engineThatHasNotRun_knowsNoEstimate() {
    try (S3Engine engine = S3Engine.builder(FakeExecutor.immediate()).build()) {
      Generation generation = engine.submit(request(Duration.ofNanos(1)));
      assertThat(generation.estimate().join()).isEmpty();
      assertThat(generation.result().join().finishReason()).isEqualTo(FinishReason.LENGTH);
    }
  }

  @Test
  void engineThatKnows_refusesByTheResult() {
    AtomicLong millis =
        new AtomicLong(); // each reading advances the clock, so that steps take time
    NanoClock clock = () -> millis.incrementAndGet() * 1_000_000;
    try (S3Engine engine = S3Engine.builder(FakeExecutor.immediate()).clock(clock).build()) {
      for (int i = 0; i < 4; i++) { // enough steps for an estimate
        engine.submit(GenerationRequest.builder(1, 2).maxNewTokens(20).build()).result().join();
      }
      Generation generation = engine.submit(request(Duration.ofNanos(1)));
      GenerationResult result = generation.result().join();
      Optional<LatencyEstimate> estimate = generation.estimate().join();
      assertThat(estimate).isPresent();
      assertThat(result.finishReason()).isEqualTo(FinishReason.FAILED);
      assertThat(result.failure()).containsInstanceOf(FirstTokenTooLateException.class);
      assertThat(result.outputTokens()).isZero();
    }
  }

  private static SequenceSink sink(GenerationRequest request) {
    return new Generation(request, Runnable::run, 0, () -> {}, g -> {}, e -> {}).sink();
  }

  private static GenerationRequest request(@Nullable Duration limit) {
    GenerationRequest.Builder builder = GenerationRequest.builder(1, 2).id("r").maxNewTokens(5);
    return limit == null ? builder.build() : builder.firstTokenWithin(limit).build();
  }
}
