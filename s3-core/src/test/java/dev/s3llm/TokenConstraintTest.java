package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.engine.loop.MaskThreads;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.testkit.HandDrivenClock;
import dev.s3llm.testkit.HandDrivenEngine;
import dev.s3llm.testkit.HandRunner;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** An answer keeps the constraint of its request, and a constraint harms no other request. */
class TokenConstraintTest {
  private static final int STOP = 40;
  private static final int ANY = 45;

  private final LowestAllowed executor = new LowestAllowed();

  @Test
  void answer_keepsTheConstraint_andEndsWithoutAFurtherStep() {
    GenerationResult result = run(request(Places.exactly(9, 3, 7)));
    assertThat(result.tokens()).containsExactly(9, 3, 7);
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(executor.steps).hasSize(3);
  }

  @Test
  void answerThatIsCompleteAtTheStart_hasNoTokens() {
    GenerationResult result = run(request(new Places(List.of(), 0)));
    assertThat(result.tokens()).isEmpty();
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(executor.steps).isEmpty();
  }

  @Test
  void stopToken_comesWhereTheAnswerIsComplete() {
    int[] place = {STOP, ANY}; // a stop token is no part of a rule
    assertThat(run(request(new Places(List.of(place, place, place), 1))).tokens())
        .containsExactly(ANY, STOP);
    assertThat(run(request(new Places(List.of(place, place, place), 2))).tokens())
        .containsExactly(ANY, ANY, STOP);
  }

  @Test
  void leastLength_holdsStopTokensBack_untilTheRuleAllowsNothingElse() {
    Places places = new Places(List.of(new int[] {ANY}, new int[] {ANY}, new int[] {ANY}), 0);
    assertThat(run(request(places)).tokens()).containsExactly(STOP);
    assertThat(run(builder(places).minTokens(2).build()).tokens()).containsExactly(ANY, ANY, STOP);
    GenerationResult all = run(builder(places).minTokens(9).build());
    assertThat(all.tokens()).containsExactly(ANY, ANY, ANY);
    assertThat(all.finishReason()).isEqualTo(FinishReason.STOP);
  }

  @Test
  void lastTokenThatCompletesTheAnswer_endsItWithStop() {
    Places places = new Places(List.of(new int[] {5}, new int[] {6}, new int[] {7}), 2);
    GenerationResult whole = run(builder(places).maxNewTokens(2).build());
    assertThat(whole.finishReason()).isEqualTo(FinishReason.STOP);
    GenerationResult cut = run(builder(places).maxNewTokens(1).build());
    assertThat(cut.finishReason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void deadEnd_failsTheRequestAlone() {
    failsAlone(new Places(List.of(new int[] {5}), 2), "after 1 tokens");
  }

  @Test
  void exceptions_failTheRequestAlone() {
    Places places = Places.exactly(5, 6);
    failsAlone(new Bounded(places, 0, 99, () -> places.start().after(6)), "token 6 may not come");
    failsAlone(new Bounded(places, 0, 99, () -> null), "is null");
    failsAlone(Places.exactly(5, 55), "allows token 55, but token ids are in [0, 50)");
  }

  private void failsAlone(TokenConstraint constraint, String because) {
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      Generation bad = driven.engine().submit(request(constraint));
      Generation good = driven.engine().submit(request(Places.exactly(1, 2, 3)));
      driven.run();
      GenerationResult failed = bad.result().join();
      assertThat(failed.finishReason()).isEqualTo(FinishReason.FAILED);
      assertThat(failed.failure().orElseThrow())
          .isInstanceOf(GenerationFailedException.class)
          .cause()
          .hasMessageContaining(because);
      assertThat(good.result().join().tokens()).containsExactly(1, 2, 3);
      assertThat(driven.engine().snapshot().memory().reservedBlocks()).isZero();
    }
  }

  @Test
  void lateMask_sitsOutSteps_whileOthersGoOn() {
    try (LateEngine late = new LateEngine(executor)) {
      Generation slow = late.submit(request(Places.exactly(4, 5)));
      Generation other = late.submit(GenerationRequest.builder(1).maxNewTokens(3).build());
      late.passes(9);
      assertThat(other.result().join().tokens()).containsExactly(1, 2, 3);
      assertThat(executor.steps).containsExactly(List.of(1L), List.of(1L), List.of(1L));
      while (!slow.result().isDone()) {
        late.makeMask();
        late.passes(2);
      }
      assertThat(slow.result().join().tokens()).containsExactly(4, 5);
    }
  }

  @Test
  void launch_waitsForMasks_atMostAnEighthOfAStep() {
    try (LateEngine late = new LateEngine(executor)) {
      late.stepNanos = 80;
      Generation slow = late.submit(request(Places.exactly(4, 5)));
      late.makeMask();
      Generation other = late.submit(GenerationRequest.builder(1).maxNewTokens(3).build());
      late.passes(1); // launches, and the time of the step passes
      late.passes(2);
      assertThat(executor.steps).containsExactly(List.of(0L, 1L));
      late.nanos += 9;
      assertThat(late.due()).isFalse();
      late.nanos += 1;
      late.passes(1);
      assertThat(executor.steps).containsExactly(List.of(0L, 1L), List.of(1L));
      late.passes(1); // that mask is late by now, and holds no launch
      assertThat(executor.steps).endsWith(List.of(1L), List.of(1L));
      late.makeMask();
      late.passes(3);
      late.makeMask();
      late.passes(1);
      assertThat(slow.result().join().tokens()).containsExactly(4, 5);
      assertThat(other.result().join().tokens()).containsExactly(1, 2, 3);
    }
  }

  @Test
  void maskThatIsThereInTime_joinsTheNextStep() {
    try (LateEngine late = new LateEngine(executor)) {
      late.stepNanos = 80;
      late.submit(request(Places.exactly(4, 5)));
      late.makeMask();
      late.submit(GenerationRequest.builder(1).maxNewTokens(3).build());
      late.passes(2);
      late.nanos += 5;
      late.makeMask();
      late.passes(1);
      assertThat(executor.steps).containsExactly(List.of(0L, 1L), List.of(0L, 1L));
    }
  }

  @Test
  void maskThatNeverComes_isBoundedByDeadlineAndCancellation() {
    try (LateEngine late = new LateEngine(executor)) {
      Generation timed =
          late.submit(builder(Places.exactly(4)).deadline(Duration.ofNanos(50)).build());
      Generation cancelled = late.submit(request(Places.exactly(4)));
      late.passes(3);
      assertThat(late.due()).isFalse();
      late.nanos = 50;
      cancelled.cancel();
      late.passes(1);
      assertThat(timed.result().join().finishReason()).isEqualTo(FinishReason.TIMEOUT);
      assertThat(cancelled.result().join().finishReason()).isEqualTo(FinishReason.CANCELLED);
      late.makeMask();
      late.makeMask();
      late.passes(2);
      assertThat(late.engine.snapshot().requests().live()).isZero();
    }
  }

  @Test
  void engineWithThreads_sleepsUntilTheMaskIsThere() throws Exception {
    CountDownLatch open = new CountDownLatch(1);
    Places places = Places.exactly(4, 5);
    TokenConstraint slow =
        new Bounded(
            places,
            0,
            99,
            () -> {
              open.await();
              return places.start();
            });
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      Generation waits = engine.submit(request(slow));
      Generation other = engine.submit(request(Places.exactly(7)));
      assertThat(Engines.result(other).tokens()).containsExactly(7);
      assertThat(waits.result()).isNotDone();
      open.countDown();
      assertThat(Engines.result(waits).tokens()).containsExactly(4, 5);
    }
  }

  @Test
  void constraintThatDoesNotReturn_failsItsRequestAlone_andItsThreadIsReplaced() {
    CountDownLatch open = new CountDownLatch(1);
    AtomicInteger hanging = new AtomicInteger();
    Bounded hangs =
        new Bounded(
            Places.exactly(4),
            0,
            99,
            () -> {
              hanging.incrementAndGet();
              awaitThroughInterrupts(open);
              return Places.exactly(4).start();
            });
    MaskThreads threads = new MaskThreads(Thread::new);
    try (LateEngine engine = new LateEngine(executor, threads)) {
      for (int lost = 2; lost <= 6; lost += 2) { // there are 2 to 4 threads
        int running = lost;
        List<Generation> bad =
            List.of(engine.submit(request(hangs)), engine.submit(request(hangs)));
        engine.passes(9);
        await().atMost(Duration.ofSeconds(20)).until(() -> hanging.get() == running);
        engine.nanos += 15_000_000_000L;
        engine.passes(9);
        engine.nanos += 15_000_000_000L;
        engine.passes(9);
        for (Generation generation : bad) {
          assertThat(generation.result().join().failure().orElseThrow())
              .cause()
              .hasMessageContaining("the token constraint has not returned for 15 s after token 0");
        }
      }
      Generation good = engine.submit(request(Places.exactly(1, 2)));
      await()
          .atMost(Duration.ofSeconds(60))
          .pollInSameThread()
          .until(
              () -> {
                engine.passes(9);
                return good.result().isDone();
              });
      assertThat(good.result().join().tokens()).containsExactly(1, 2);
    } finally {
      open.countDown();
      threads.close();
    }
  }

  private static void awaitThroughInterrupts(CountDownLatch latch) {
    while (latch.getCount() > 0) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        continue; // as code does that ignores interruptions
      }
    }
  }

  @Test
  void close_endsThreadsThatMakeMasks() throws Exception {
    CompletableFuture<Thread> worker = new CompletableFuture<>();
    TokenConstraint hangs =
        new Bounded(
            Places.exactly(4),
            0,
            99,
            () -> {
              worker.complete(Thread.currentThread());
              Thread.sleep(600_000);
              return null;
            });
    S3Engine engine = S3Engine.builder(executor).build();
    Generation generation = engine.submit(request(hangs));
    Thread thread = worker.get(60, TimeUnit.SECONDS);
    engine.closeNow();
    assertThat(Engines.result(generation).finishReason()).isEqualTo(FinishReason.CANCELLED);
    thread.join(60_000);
    assertThat(thread.isAlive()).isFalse();
  }

  @Test
  void bounds_reachLimitAndPrediction() {
    Places places = Places.exactly(1, 2, 3, 4, 5, 6, 7, 8);
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      GenerationRequest request =
          builder(new Bounded(places, 7, 8, places::start)).maxNewTokens(60).lengthHint(1).build();
      Generation generation = driven.engine().submit(request);
      driven.run();
      LengthPrediction prediction = generation.result().join().prediction().orElseThrow();
      assertThat(prediction.survival(6)).isEqualTo(1);
      assertThat(prediction.maxTokens()).isLessThanOrEqualTo(8);
      assertThat(generation.result().join().reservedTokens()).isLessThanOrEqualTo(12);
    }
  }

  @Test
  void whatCannotBeKept_isRefusedWithItsNumbers() {
    Places places = Places.exactly(1, 2, 3);
    TokenConstraint bounded = new Bounded(places, 7, 8, places::start);
    refused(
        b -> b,
        builder(bounded).maxNewTokens(6).build(),
        "has 7 tokens, but maxNewTokens allows 6");
    refused(
        b -> b, builder(bounded).minTokens(9).build(), "minTokens is 9, but the longest answer");
    refused(b -> b.masksTokens(false), request(places), "the executor cannot mask tokens");
    refused(
        b -> b.growth(ExecutorProfile.KvGrowth.FIXED_CANVAS),
        request(places),
        "decode on a canvas");
    SamplingParameters foreign = SamplingParameters.GREEDY.withLogitBias(Map.of(50, 1.0));
    refused(
        b -> b,
        GenerationRequest.builder(1).sampling(foreign).build(),
        "logitBias has token 50, but token ids are in [0, 50)");
  }

  private void refused(
      UnaryOperator<ExecutorProfile.Builder> change, GenerationRequest request, String because) {
    ExecutorProfile.Builder builder = LowestAllowed.profileBuilder();
    ExecutorProfile.Builder changed = change.apply(builder);
    ExecutorProfile profile =
        because.contains("cannot mask") ? changed.build() : changed.masksTokens(true).build();
    Executor other =
        new ForwardingExecutor(executor) {
          @Override
          public ExecutorProfile profile() {
            return profile;
          }
        };
    try (HandDrivenEngine driven = HandDrivenEngine.of(other, b -> b)) {
      assertThatExceptionOfType(RequestRefusedException.class)
          .isThrownBy(() -> driven.engine().submit(request))
          .withMessageContaining(because);
    }
  }

  @Test
  void oneConstraint_servesManyRequests() {
    Places places = Places.exactly(9, 3, 7);
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      List<Generation> all = driven.engine().submit(request(places), 5);
      driven.run();
      for (Generation one : all) {
        assertThat(one.result().join().tokens()).containsExactly(9, 3, 7);
      }
      assertThat(executor.steps.get(0)).hasSizeGreaterThan(1);
    }
  }

  private GenerationResult run(GenerationRequest request) {
    executor.steps.clear();
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      Generation generation = driven.engine().submit(request);
      driven.run();
      return generation.result().join();
    }
  }

  private static GenerationRequest request(TokenConstraint constraint) {
    return builder(constraint).build();
  }

  private static GenerationRequest.Builder builder(TokenConstraint constraint) {
    return GenerationRequest.builder(1).tokenConstraint(constraint).stopTokens(STOP);
  }

  /** What makes the first state. */
  private interface Start {
    TokenConstraint.State start() throws InterruptedException;
  }

  /** A constraint with other bounds, and another start. */
  private record Bounded(TokenConstraint rule, int shortest, int longest, Start first)
      implements TokenConstraint {
    @Override
    public State start() {
      try {
        return first.start();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** An engine whose masks are made when the test says so, and whose steps take virtual time. */
  private static final class LateEngine implements AutoCloseable {
    private final Queue<Runnable> masks = new ArrayDeque<>();
    private final S3Engine engine;
    private HandRunner runner;
    private long nanos;
    private long stepNanos;

    LateEngine(LowestAllowed executor) {
      this(executor, null);
    }

    LateEngine(LowestAllowed executor, MaskThreads threads) {
      Executor timed =
          new ForwardingExecutor(executor) {
            @Override
            public CompletionStage<StepResult> execute(StepBatch batch) {
              CompletionStage<StepResult> stage = super.execute(batch);
              nanos += stepNanos;
              return stage;
            }
          };
      engine =
          S3Engine.builder(timed)
              .clock(
                  new HandDrivenClock(
                      () -> nanos, this::newRunner, threads == null ? masks::add : threads))
              .callbackExecutor(Runnable::run)
              .stuckAfter(Duration.ZERO)
              .build();
    }

    private EngineRunner newRunner(LongSupplier clock, Consumer<Throwable> onFailure) {
      runner =
          new HandRunner(
              clock,
              onFailure,
              limit -> {
                passes(9);
                return runner.ended();
              });
      return runner;
    }

    Generation submit(GenerationRequest request) {
      return engine.submit(request);
    }

    boolean due() {
      return runner.due(nanos);
    }

    void passes(int most) {
      for (int i = 0; i < most && due(); i++) {
        runner.pass();
      }
    }

    void makeMask() {
      passes(1);
      Runnable work = masks.poll();
      if (work != null) {
        work.run();
      }
    }

    @Override
    public void close() {
      engine.closeNow();
    }
  }
}
