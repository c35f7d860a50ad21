package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.error.QueueFullException;
import dev.s3llm.testkit.HandDrivenEngine;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What callers see of an engine all of whose places are taken. */
class FullQueueTest {
  private static final Duration STEP = Duration.ofMillis(5);

  @Test
  void tenantWithoutPause_leavesAnotherItsPlaces() {
    int refused = 0;
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(
            FakeExecutor.immediate(),
            b -> b.maxLiveRequests(1_000).tenantWeights(Map.of("b", 100.0)))) {
      for (int i = 0; i < 800; i++) {
        while (refusal(driven, "a") == null) {}
        if (i % 2 == 0 && refusal(driven, "b") != null) { // each 10 ms
          refused++;
        }
        driven.pass();
        driven.advance(STEP);
      }
      assertThat(driven.engine().liveRequests()).isBetween(750, 1_000);
    }
    assertThat(refused).isZero();
  }

  @Test
  void refusal_saysWhenTheQueueHasMovedOn() {
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(FakeExecutor.immediate(), b -> b.maxLiveRequests(100))) {
      for (int i = 0; i < 400; i++) {
        while (refusal(driven, "a") == null) {}
        driven.pass();
        driven.advance(STEP);
      }
      long ended = driven.engine().snapshot().requests().ended().total();
      Duration wait = refusal(driven, "a").retryAfter().orElseThrow();
      assertThat(driven.engine().queueWait()).contains(wait);
      long waiting = driven.engine().snapshot().requests().waiting();
      driven.engine().snapshot();
      for (long end = driven.nanos() + wait.toNanos(); driven.nanos() < end; ) {
        driven.pass();
        driven.advance(STEP);
      }
      long startedAndEnded = driven.engine().snapshot().requests().ended().total() - ended;
      assertThat(wait).isGreaterThan(STEP.multipliedBy(20));
      assertThat((double) startedAndEnded).isBetween(0.7 * waiting, 1.3 * waiting);
      assertThat(refusal(driven, "a")).isNull();
    }
  }

  @Test
  void refusalBeforeTheFirstStep_knowsNoTime() {
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(FakeExecutor.immediate(), b -> b.maxLiveRequests(1))) {
      assertThat(refusal(driven, "a")).isNull();
      assertThat(Optional.ofNullable(refusal(driven, "a")).orElseThrow().retryAfter()).isEmpty();
    }
  }

  private static @Nullable QueueFullException refusal(HandDrivenEngine driven, String tenant) {
    try {
      driven.engine().submit(GenerationRequest.builder(1).maxNewTokens(20).tenant(tenant).build());
      return null;
    } catch (QueueFullException e) {
      return e;
    }
  }
}
