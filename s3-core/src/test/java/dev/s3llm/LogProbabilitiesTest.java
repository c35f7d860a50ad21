package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.GenerationResult.TokenScores;
import dev.s3llm.GenerationResult.TokenScores.Alternative;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.testkit.HandDrivenEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;

/**
 * Tests of log probabilities, from the request to the result, and of the best of several answers.
 */
class LogProbabilitiesTest {
  private final LowestAllowed executor = new LowestAllowed();

  @Test
  void scores_comeWithEachToken() {
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      Generation plain = submit(driven, -1, 0);
      Generation scored = submit(driven, 2, 4);
      Generation chosen = submit(driven, 0, 8);
      driven.run();
      List<Alternative> best = List.of(new Alternative(0, 0), new Alternative(1, -1));
      assertThat(scored.result().join().scores())
          .containsExactly(
              new TokenScores(5, -5, best),
              new TokenScores(6, -6, best),
              new TokenScores(7, -7, best));
      assertThat(chosen.result().join().scores())
          .containsExactly(
              new TokenScores(9, -9, List.of()),
              new TokenScores(10, -10, List.of()),
              new TokenScores(11, -11, List.of()));
      assertThat(plain.result().join().scores()).isEmpty();
      assertThat(plain.scores(0)).isEmpty();
      assertThat(scored.scores(2)).contains(new TokenScores(7, -7, best));
      assertThat(scored.scores(3)).isEmpty();
      assertThat(scored.scores(-1)).isEmpty();
    }
  }

  @Test
  void whoeverReceivesAToken_canReadItsScores() {
    List<TokenScores> read = new ArrayList<>();
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      Generation scored = submit(driven, 1, 0);
      scored
          .tokens()
          .subscribe(
              new Flow.Subscriber<>() {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                  subscription.request(Long.MAX_VALUE);
                }

                @Override
                public void onNext(Integer token) {
                  read.add(scored.scores(read.size()).orElseThrow());
                }

                @Override
                public void onError(Throwable error) {}

                @Override
                public void onComplete() {}
              });
      driven.run();
    }
    assertThat(read).extracting(TokenScores::token).containsExactly(1, 2, 3);
  }

  @Test
  void valuesOfAWrongLength_areIgnoredAndCounted() {
    executor.excess = 1;
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      Generation scored = submit(driven, 2, 4);
      driven.run();
      assertThat(scored.result().join().tokens()).containsExactly(5, 6, 7);
      assertThat(scored.result().join().scores())
          .hasSize(3)
          .allSatisfy(scores -> assertThat(scores.logProbability()).isNaN());
      assertThat(driven.engine().snapshot().faults().callbackFailures()).isEqualTo(3);
    }
  }

  @Test
  void requestForTooManyOrUnreported_isRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerationRequest.builder(1).logProbabilities(21))
        .withMessage("logProbabilities must be at most 20, but is 21");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerationRequest.builder(1).logProbabilities(-1));
    try (HandDrivenEngine driven = HandDrivenEngine.of(FakeExecutor.immediate(), b -> b)) {
      assertThatExceptionOfType(RequestRefusedException.class)
          .isThrownBy(() -> submit(driven, 0, 0))
          .withMessageContaining("logProbabilities is set, but the executor does not report them");
    }
  }

  @Test
  void bestAnswers_comeFirst() {
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      GenerationRequest request =
          GenerationRequest.builder(1)
              .maxNewTokens(1)
              .sampling(SamplingParameters.ofTemperature(1, 30))
              .build();
      List<Generation> all = driven.engine().submit(request, 6);
      CompletableFuture<List<GenerationResult>> best =
          driven.engine().submitBestOf(renamed(request), 2, 6);
      driven.run();
      int[] lowest =
          all.stream().mapToInt(one -> one.result().join().tokens()[0]).sorted().limit(2).toArray();
      assertThat(best.join().stream().mapToInt(result -> result.tokens()[0]))
          .containsExactly(lowest[0], lowest[1]);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> driven.engine().submitBestOf(request, 3, 2))
          .withMessageContaining("n must be from 1 to bestOf");
    }
  }

  @Test
  void cancellingTheBest_cancelsAllAnswers() {
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      driven.engine().submitBestOf(GenerationRequest.builder(1).build(), 1, 3).cancel(false);
      driven.run();
      assertThat(driven.engine().snapshot().requests().ended().cancelled()).isEqualTo(3);
    }
  }

  @Test
  void answers_keepAllSamplingParametersButTheSeed() {
    SamplingParameters all =
        new SamplingParameters(0.5, 3, 0.9, 0.1, 1.2, 0.3, 0.4, Map.of(3, 1.0), 7);
    GenerationRequest request = GenerationRequest.builder(1).sampling(all).build();
    SamplingParameters second = request.answer(1).sampling();
    assertThat(second).isNotEqualTo(all).isEqualTo(all.withSeed(second.seed()));
  }

  private static GenerationRequest renamed(GenerationRequest request) {
    return GenerationRequest.builder(request.promptTokens())
        .maxNewTokens(request.maxNewTokens())
        .sampling(request.sampling())
        .build();
  }

  private static Generation submit(HandDrivenEngine driven, int alternatives, long seed) {
    GenerationRequest.Builder builder =
        GenerationRequest.builder(1)
            .maxNewTokens(3)
            .sampling(SamplingParameters.ofTemperature(1, seed));
    return driven
        .engine()
        .submit((alternatives < 0 ? builder : builder.logProbabilities(alternatives)).build());
  }
}
