package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.EngineSnapshot.Histogram;
import dev.s3llm.observe.EngineSnapshot.Tenant;
import dev.s3llm.testkit.HandDrivenEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What snapshots say about the times of requests, about tenants, and about refusals. */
class RequestMetricsTest {
  private final List<EngineEvent.Refused> refused = new ArrayList<>();

  @Test
  void timesOfARequest_areCountedWhenTheyAreKnown() {
    try (HandDrivenEngine driven = engine(b -> b)) {
      driven.engine().submit(request("a", 3));
      wait(driven, 7); // in the queue
      assertThat(times(driven).queue()).satisfies(only(7, 10));
      assertThat(times(driven).firstToken().count()).isZero();
      wait(driven, 30);
      assertThat(times(driven).firstToken()).satisfies(only(37, 50));
      assertThat(times(driven).total().count()).isZero();
      wait(driven, 9);
      wait(driven, 11);
      assertThat(times(driven).perOutputToken()).satisfies(only(10, 10));
      assertThat(times(driven).total()).satisfies(only(57, 100));
      assertThat(times(driven).queue().count()).isEqualTo(1);
      assertThat(driven.engine().snapshot().tenants())
          .containsOnly(Map.entry("a", new Tenant(1, 2, 3, times(driven))));
    }
  }

  @Test
  void requestThatIsNeverAdmitted_hasWaitedAndHasNoOtherTime() {
    try (HandDrivenEngine driven = engine(b -> b)) {
      driven.engine().submit(request("", 3)).cancel();
      wait(driven, 4);
      assertThat(times(driven).queue()).satisfies(only(4, 5));
      assertThat(times(driven).firstToken().count()).isZero();
      assertThat(times(driven).perOutputToken().count()).isZero();
      assertThat(times(driven).total().count()).isZero();
    }
  }

  @Test
  void oneToken_hasNoTimePerToken() {
    try (HandDrivenEngine driven = engine(b -> b)) {
      driven.engine().submit(request("", 1));
      wait(driven, 1);
      wait(driven, 300_000);
      assertThat(times(driven).perOutputToken().count()).isZero();
      Histogram total = times(driven).total();
      assertThat(total.counts().get(total.bounds().size())).as("above all bounds").isEqualTo(1);
      assertThat(driven.engine().snapshot().tenants()).isEmpty();
    }
  }

  @Test
  void refusals_areCountedByReasonAndTenant_andPublished() {
    HandDrivenEngine driven = engine(b -> b.maxLiveRequests(1));
    driven.engine().submit(request("a", 90));
    refuse(driven, request("b", 9), Reason.QUEUE_FULL);
    refuse(driven, request("b", 99), Reason.NEVER_FITS);
    GenerationRequest unknownToken = GenerationRequest.builder(99).maxNewTokens(1).build();
    refuse(driven, unknownToken, Reason.INVALID_REQUEST);
    driven.close();
    refuse(driven, request("b", 9), Reason.ENGINE_CLOSED);
    EngineSnapshot.Requests requests = driven.engine().snapshot().requests();
    assertThat(requests.submitted()).isEqualTo(1);
    assertThat(requests.refused().total()).isEqualTo(4);
    assertThat(requests.refused().byReason().values()).containsOnly(1L);
    assertThat(requests.refused().byTenant()).containsOnly(Map.entry("b", 3L));
    assertThat(refused)
        .extracting(EngineEvent.Refused::reason)
        .containsExactly(
            Reason.QUEUE_FULL, Reason.NEVER_FITS, Reason.INVALID_REQUEST, Reason.ENGINE_CLOSED);
    assertThat(refused.get(0).request().maxNewTokens()).isEqualTo(9);
  }

  @Test
  void requestWhoseFirstTokenWouldBeTooLate_isRefusedToo() {
    try (HandDrivenEngine driven = engine(b -> b)) {
      for (int i = 0; i < 20; i++) { // enough steps for an estimate
        driven.engine().submit(request("", 2));
        wait(driven, 10);
        wait(driven, 10);
      }
      driven
          .engine()
          .submit(
              GenerationRequest.builder(1)
                  .maxNewTokens(9)
                  .firstTokenWithin(Duration.ofNanos(1))
                  .build());
      wait(driven, 10);
      assertThat(driven.engine().snapshot().requests().refused().byReason())
          .containsOnly(Map.entry(Reason.FIRST_TOKEN_TOO_LATE, 1L));
      assertThat(driven.engine().snapshot().requests().ended().failed()).isEqualTo(1);
    }
  }

  @Test
  void floodOfTenants_isCountedTogether() {
    try (HandDrivenEngine driven =
        engine(b -> b.maxLiveRequests(5_000).tenantWeights(Map.of("paying", 2.0)))) {
      for (int i = 0; i < 1_000; i++) {
        driven.engine().submit(request("t" + i, 1));
        driven.pass();
        refuse(driven, request("t" + (1_000 + i), 99), Reason.NEVER_FITS);
      }
      driven.engine().submit(request("paying", 1));
      while (driven.pass()) {
        driven.advance(Duration.ofMillis(1));
      }
      EngineSnapshot snapshot = driven.engine().snapshot();
      int most = EngineSnapshot.MOST_TENANTS;
      assertThat(snapshot.tenants()).hasSizeLessThanOrEqualTo(most + 2).containsKey("paying");
      assertThat(snapshot.requests().refused().byTenant()).hasSizeLessThanOrEqualTo(most + 1);
      assertThat(snapshot.tenants().get(EngineSnapshot.OTHER_TENANTS).submitted())
          .isEqualTo(1_000 - most / 2);
      assertThat(snapshot.tenants().values().stream().mapToLong(Tenant::outputTokens).sum())
          .isEqualTo(1_001);
    }
  }

  private HandDrivenEngine engine(UnaryOperator<EngineBuilder> settings) {
    return HandDrivenEngine.of(
        FakeExecutor.immediate(), b -> settings.apply(b.listener(this::event)));
  }

  private void event(EngineEvent event) {
    if (event instanceof EngineEvent.Refused refusal) {
      refused.add(refusal);
    }
  }

  private static GenerationRequest request(String tenant, int tokens) {
    GenerationRequest.Builder builder = GenerationRequest.builder(1, 2).maxNewTokens(tokens);
    return tenant.isEmpty() ? builder.build() : builder.tenant(tenant).build();
  }

  private static void refuse(HandDrivenEngine driven, GenerationRequest request, Reason reason) {
    assertThatThrownBy(() -> driven.engine().submit(request))
        .isInstanceOfSatisfying(
            RequestRefusedException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  private static void wait(HandDrivenEngine driven, long millis) {
    driven.advance(Duration.ofMillis(millis));
    driven.pass();
  }

  private static EngineSnapshot.Latency times(HandDrivenEngine driven) {
    return driven.engine().snapshot().latency();
  }

  /** One duration, in the bucket with this bound; both in milliseconds. */
  private static Consumer<Histogram> only(long millis, long bound) {
    return histogram -> {
      int bucket = histogram.bounds().indexOf(Duration.ofMillis(bound));
      assertThat(histogram.count()).isEqualTo(1);
      assertThat(histogram.counts().get(bucket)).isEqualTo(1);
      assertThat(histogram.sum()).isEqualTo(Duration.ofMillis(millis));
    };
  }
}
