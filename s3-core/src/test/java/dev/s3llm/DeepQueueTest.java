package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.testkit.HandDrivenEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A burst of thousands of requests waits, eight run at once, and a preferred request comes now and
 * then until the burst is over. A preferred request starts as soon as one of the eight ends, and
 * the burst keeps its order of arrival.
 */
class DeepQueueTest {
  private static final int LONGEST = 40;

  private final List<Integer> burstStarts = new ArrayList<>();
  private final Set<String> preferredWaiting = new HashSet<>();
  private int preferredStartsBeforeLast;
  private int startedBeforePreferred;

  @ParameterizedTest(name = "{0} waiting, steps of {1} us")
  @CsvSource({"4000, 5000", "10000, 2000"})
  void highPriority_startsNextThroughoutTheBurst(int burst, int stepMicros) {
    run(
        SchedulingPolicies.firstComeFirstServed(),
        burst,
        Duration.ofNanos(stepMicros * 1_000L),
        Duration.ofMillis(200),
        () -> request(4).priority(100));
  }

  @ParameterizedTest(name = "{0} waiting, steps of {1} us")
  @CsvSource({"3000, 5000", "10000, 1500"})
  void shortRequest_startsNextThroughoutTheBurst(int burst, int stepMicros) {
    run(
        SchedulingPolicies.shortestPredictedFirst(),
        burst,
        Duration.ofNanos(stepMicros * 1_000L),
        Duration.ofMillis(300),
        () -> request(4));
  }

  @Test
  void lastOfABurst_isOvertakenAsOftenAsTheOrderAllows() {
    try (HandDrivenEngine driven = engine(SchedulingPolicies.firstComeFirstServed(20))) {
      for (int i = 0; i < 100; i++) {
        driven.engine().submit(request(20).id("b" + i).build());
      }
      for (int i = 0; burstStarts.size() < 100; i++) {
        driven.engine().submit(request(1).id("u" + i).priority(100).build());
        driven.pass();
      }
    }
    assertThat(burstStarts).isSorted();
    assertThat(preferredStartsBeforeLast).isEqualTo(20);
    assertThat(preferredWaiting).hasSizeGreaterThan(100);
  }

  private void run(
      SchedulingPolicy order,
      int burst,
      Duration step,
      Duration every,
      Supplier<GenerationRequest.Builder> preferred) {
    Random random = new Random(7);
    List<Generation> answers = new ArrayList<>();
    try (HandDrivenEngine driven = engine(order)) {
      for (int i = 0; i < burst; i++) {
        int tokens = 20 + random.nextInt(LONGEST - 19);
        tokens = order.name().equals("spf") ? 30 : tokens;
        driven.engine().submit(request(tokens).id("b" + i).build());
      }
      long next = 0;
      while (driven.engine().liveRequests() > 0) {
        if (driven.nanos() >= next && burstStarts.size() < burst) {
          answers.add(driven.engine().submit(preferred.get().id("u" + next).build()));
          next += every.toNanos();
        }
        driven.pass();
        driven.advance(step);
      }
    }
    assertThat(burstStarts).hasSize(burst).isSorted();
    assertThat(startedBeforePreferred).isZero();
    assertThat(answers).hasSizeGreaterThan(150);
    assertThat(answers)
        .allSatisfy(
            answer ->
                assertThat(answer.result().join().queued())
                    .isLessThanOrEqualTo(step.multipliedBy(LONGEST)));
  }

  private HandDrivenEngine engine(SchedulingPolicy order) {
    LengthPredictor exact =
        query -> CompletableFuture.completedFuture(LengthPrediction.exactly(query.maxNewTokens()));
    return HandDrivenEngine.of(
        FakeExecutor.immediate(),
        builder ->
            builder
                .planner(new WorstCasePlanner())
                .predictor(exact)
                .schedulingPolicy(order)
                .maxLiveRequests(20_000)
                .listener(this::onEvent));
  }

  private void onEvent(EngineEvent event) {
    if (event instanceof EngineEvent.Queued queued && queued.requestId().startsWith("u")) {
      preferredWaiting.add(queued.requestId());
    } else if (event instanceof EngineEvent.Admitted admitted) {
      if (preferredWaiting.remove(admitted.requestId())) {
        preferredStartsBeforeLast += burstStarts.contains(99) ? 0 : 1;
      } else {
        burstStarts.add(Integer.parseInt(admitted.requestId().substring(1)));
        startedBeforePreferred += preferredWaiting.size();
      }
    }
  }

  private static GenerationRequest.Builder request(int tokens) {
    return GenerationRequest.builder(1).maxNewTokens(tokens);
  }
}
