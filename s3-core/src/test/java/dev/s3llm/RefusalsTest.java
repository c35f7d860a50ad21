package dev.s3llm;

import static dev.s3llm.Reasons.refusedFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.execute.SamplingParameters;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests of requests and settings at their limits and beyond. */
class RefusalsTest {
  private final FakeExecutor executor = FakeExecutor.held();
  private final S3Engine engine = S3Engine.builder(executor).maxLiveRequests(3).build();

  @AfterEach
  void close() {
    executor.release(1_000_000);
    engine.closeNow();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 98, 99})
  void requestsUpToTheContext_areServed(int maxNewTokens) throws Exception {
    executor.release(1_000);
    Generation generation = engine.submit(request().maxNewTokens(maxNewTokens).build());
    assertThat(generation.result().get(60, TimeUnit.SECONDS).outputTokens())
        .isEqualTo(maxNewTokens);
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 101, Integer.MAX_VALUE - 1})
  void requestsBeyondTheContext_canNeverFit(int maxNewTokens) {
    assertThatExceptionOfType(NeverFitsException.class)
        .isThrownBy(() -> engine.submit(request().maxNewTokens(maxNewTokens).build()))
        .withMessageContaining(String.valueOf(1L + maxNewTokens))
        .withMessageContaining("100");
    assertThat(engine.snapshot().requests().submitted()).isZero();
  }

  @Test
  void asManyAsFit_fillsTheContext() throws Exception {
    executor.release(1_000);
    int limit = GenerationRequest.AS_MANY_AS_FIT;
    Generation generation = engine.submit(request().maxNewTokens(limit).build());
    assertThat(generation.result().get(60, TimeUnit.SECONDS).outputTokens()).isEqualTo(99);
    assertThatExceptionOfType(NeverFitsException.class)
        .isThrownBy(
            () ->
                engine.submit(GenerationRequest.builder(new int[100]).maxNewTokens(limit).build()))
        .withMessageContaining("101");
  }

  @Test
  void leastLength_isRefusedIfTheExecutorCannotMask() {
    GenerationRequest.Builder least = request().maxNewTokens(9).stopTokens(3).minTokens(5);
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(() -> engine.submit(least.build()))
        .satisfies(refusedFor(RequestRefusedException.Reason.INVALID_REQUEST))
        .withMessageContaining("minTokens is 5, but the executor cannot mask stop tokens");
    engine.submit(request().maxNewTokens(9).minTokens(5).build()).cancel(); // nothing to mask
  }

  @Test
  void leastLengthAboveTheLimit_isRefusedAtOnce() {
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> request().maxNewTokens(9).minTokens(10).build())
        .withMessageContaining("minTokens must not exceed maxNewTokens, but they are 10 and 9");
  }

  @Test
  void leastLengthAboveTheRoom_isRefused() {
    int limit = GenerationRequest.AS_MANY_AS_FIT;
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(() -> engine.submit(request().maxNewTokens(limit).minTokens(100).build()))
        .satisfies(refusedFor(RequestRefusedException.Reason.INVALID_REQUEST))
        .withMessageContaining("minTokens is 100, but the prompt leaves room for 99 tokens");
  }

  @Test
  void promptBeyondTheContext_canNeverFit() {
    assertThatExceptionOfType(NeverFitsException.class)
        .isThrownBy(
            () -> engine.submit(GenerationRequest.builder(new int[100]).maxNewTokens(1).build()));
    Generation whole =
        engine.submit(GenerationRequest.builder(new int[99]).maxNewTokens(1).build());
    whole.cancel();
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 50, Integer.MAX_VALUE})
  void tokensOutsideTheVocabulary_areRefusedByName(int token) {
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(
            () -> engine.submit(GenerationRequest.builder(1, token).maxNewTokens(5).build()))
        .satisfies(refusedFor(RequestRefusedException.Reason.INVALID_REQUEST))
        .withMessageContaining("promptTokens[1] is " + token)
        .withMessageContaining("[0, 50)");
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(() -> engine.submit(request().maxNewTokens(5).stopTokens(token).build()))
        .satisfies(refusedFor(RequestRefusedException.Reason.INVALID_REQUEST))
        .withMessageContaining("stopTokens[0] is " + token);
  }

  @Test
  void fullQueue_isARetriableRefusalWithItsLimit() {
    for (int i = 0; i < 3; i++) {
      engine.submit(request().maxNewTokens(5).build());
    }
    assertThatExceptionOfType(QueueFullException.class)
        .isThrownBy(() -> engine.submit(request().id("fourth").maxNewTokens(5).build()))
        .withMessageContaining("fourth")
        .withMessageContaining("3");
    assertThat(engine.maxLiveRequests()).isEqualTo(3);
  }

  @Test
  void fullQueue_takesRequestsAgainOnceOneHasEnded() throws Exception {
    Generation first = engine.submit(request().maxNewTokens(1).build());
    engine.submit(request().maxNewTokens(5).build());
    engine.submit(request().maxNewTokens(5).build());
    executor.release(1_000);
    first.result().get(60, TimeUnit.SECONDS);
    engine.submit(request().maxNewTokens(1).build()).result().get(60, TimeUnit.SECONDS);
  }

  @Test
  void idOfALiveRequest_isRefusedAndFreeAfterItsEnd() throws Exception {
    Generation first = engine.submit(request().id("same").maxNewTokens(2).build());
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(() -> engine.submit(request().id("same").maxNewTokens(2).build()))
        .satisfies(refusedFor(RequestRefusedException.Reason.INVALID_REQUEST))
        .withMessageContaining("same");
    executor.release(1_000);
    first.result().get(60, TimeUnit.SECONDS);
    assertThat(
            engine
                .submit(request().id("same").maxNewTokens(2).build())
                .result()
                .get(60, TimeUnit.SECONDS)
                .outputTokens())
        .isEqualTo(2);
  }

  @Test
  void closedEngine_refuses() {
    engine.closeNow();
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(() -> engine.submit(request().maxNewTokens(5).build()))
        .satisfies(refusedFor(RequestRefusedException.Reason.ENGINE_CLOSED))
        .withMessageContaining("closed");
  }

  @Test
  void fieldsOfARequest_areCheckedAtOnce() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerationRequest.builder())
        .withMessageContaining("promptTokens");
    for (int bad : new int[] {0, -1, Integer.MIN_VALUE}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> request().maxNewTokens(bad))
          .withMessageContaining("maxNewTokens")
          .withMessageContaining(String.valueOf(bad));
      assertThatIllegalArgumentException().isThrownBy(() -> request().lengthHint(bad));
    }
    assertThatIllegalArgumentException().isThrownBy(() -> request().id(""));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> request().id("x".repeat(1_000_000)))
        .withMessageContaining("256")
        .withMessageContaining("1000000");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> request().id("a\nb"))
        .withMessageContaining("control");
    request().id("x".repeat(256)).build();
  }

  @Test
  @SuppressWarnings("NullAway") // what callers without a checker may pass
  void nullInARequest_isNamedAtOnce() {
    Map<String, Runnable> nulls =
        Map.of(
            "promptTokens", () -> GenerationRequest.builder((int[]) null),
            "id", () -> request().id(null),
            "tenant", () -> request().tenant(null),
            "lengthKey", () -> request().lengthKey(null),
            "stopTokens", () -> request().stopTokens((int[]) null),
            "sampling", () -> request().sampling(null),
            "deadline", () -> request().deadline(null));
    nulls.forEach(
        (field, call) ->
            assertThatNullPointerException().isThrownBy(call::run).withMessageContaining(field));
  }

  @Test
  void lengthKey_isShort() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> request().lengthKey("x".repeat(257)))
        .withMessageContaining("lengthKey");
  }

  @Test
  void request_isNotChangedByItsCallersArrays() {
    int[] prompt = {1, 2};
    GenerationRequest request = GenerationRequest.builder(prompt).stopTokens(9, 3, 9).build();
    prompt[0] = 7;
    request.promptTokens()[1] = 7;
    assertThat(request.promptTokens()).containsExactly(1, 2);
    assertThat(request.stopTokens()).containsExactly(3, 9);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, -0.01, Double.POSITIVE_INFINITY, 101, -1e300})
  void temperature_isCheckedByName(double value) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SamplingParameters(value, 0, 1, 1, 0))
        .withMessageContaining("temperature")
        .withMessageContaining(String.valueOf(value));
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, 0, -1, 1.1, Double.POSITIVE_INFINITY})
  void topP_isCheckedByName(double value) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SamplingParameters(1, 0, value, 1, 0))
        .withMessageContaining("topP");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, 0, -1, 101, Double.POSITIVE_INFINITY})
  void repetitionPenalty_isCheckedByName(double value) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SamplingParameters(1, 0, 1, value, 0))
        .withMessageContaining("repetitionPenalty");
  }

  @Test
  void samplingExtremes_areLegal() {
    assertThat(new SamplingParameters(-0.0, 0, 1, 1, 0).greedy()).isTrue();
    for (long seed : new long[] {Long.MIN_VALUE, -1, 0, Long.MAX_VALUE}) {
      double draw = SamplingParameters.ofTemperature(1, seed).uniform(Integer.MAX_VALUE);
      assertThat(draw).isBetween(0.0, 1.0);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SamplingParameters(1, -1, 1, 1, 0))
        .withMessageContaining("topK");
  }

  @Test
  void builder_refusesASecondValueAndNamesTheFirst() {
    assertThatThrownBy(() -> S3Engine.builder(executor).maxRunning(3).maxRunning(4))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("maxRunning")
        .hasMessageContaining("3");
  }

  @Test
  void builder_refusesWhatMakesNoSense() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> S3Engine.builder(executor).maxLiveRequests(0))
        .withMessageContaining("maxLiveRequests");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> S3Engine.builder(executor).eventBuffer(-1))
        .withMessageContaining("eventBuffer");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> S3Engine.builder(executor).predictionBudget(Duration.ZERO))
        .withMessageContaining("predictionBudget");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> S3Engine.builder(executor).closeTimeout(Duration.ofSeconds(-1)))
        .withMessageContaining("closeTimeout");
  }

  @Test
  void builder_tellsAllContradictionsAtOnce() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> S3Engine.builder(executor).maxTokensPerStep(65).maxRunning(70).build())
        .withMessageContaining("maxTokensPerStep is 65, the executor takes 64")
        .withMessageContaining("maxRunning is 70, the executor takes 8")
        .withMessageContaining("needs a token of maxTokensPerStep");
  }

  private static GenerationRequest.Builder request() {
    return GenerationRequest.builder(1);
  }
}
