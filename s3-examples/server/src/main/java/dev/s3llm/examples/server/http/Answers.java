package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.call.Answer;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Finished;
import dev.s3llm.examples.server.openai.HeldCalls;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.tool.AnswerEvent;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Reads answers while they are generated. */
final class Answers {
  private static final String LENGTH = "length";

  private Answers() {}

  /** Waits for an answer. Fails with an {@link ApiException} if it did not end normally. */
  static Mono<Finished> finished(Answer answer) {
    if (answer.generation().isEmpty()) {
      return Mono.just(
          new Finished(
              answer.echo(),
              LENGTH,
              answer.promptTokens(),
              answer.firstOfPrompt(),
              Optional.empty()));
    }
    return Mono.fromFuture(answer.generation().get().result())
        .map(result -> finished(answer, result));
  }

  private static Finished finished(Answer answer, TextResult result) {
    return new Finished(
        answer.echo(),
        finishReason(result),
        result.generation().promptTokens(),
        answer.firstOfPrompt(),
        Optional.of(result));
  }

  /** Returns the parts of an answer in order, its prompt's first where that was asked for. */
  static Flux<AnswerEvent> parts(Answer answer) {
    Flux<AnswerEvent> echo =
        answer.echo().isEmpty() ? Flux.empty() : Flux.just(new AnswerEvent.Content(answer.echo()));
    return answer
        .generation()
        .map(
            generation -> {
              HeldCalls calls = new HeldCalls();
              return echo.concatWith(
                  JdkFlowAdapter.flowPublisherToFlux(generation.events())
                      .concatMapIterable(calls::add));
            })
        .orElse(echo);
  }

  /**
   * Returns OpenAI's name of the end of an answer.
   *
   * @throws ApiException if it did not end normally
   */
  private static String finishReason(TextResult result) {
    return switch (result.finishReason()) {
      case STOP -> result.awaitsTools() ? "tool_calls" : "stop";
      case LENGTH -> LENGTH;
      case CANCELLED ->
          throw ApiException.closing(); // by the engine: a client that left gets no response
      case TIMEOUT -> throw ApiException.timeout();
      case FAILED -> throw failure(result);
    };
  }

  private static RuntimeException failure(TextResult result) {
    Throwable cause = result.generation().failure().orElse(null);
    return cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
  }

  /**
   * Waits until the engine has accepted or refused all answers, since the status of a response
   * cannot change once its stream has begun. Completes empty if they are accepted, and fails if one
   * is refused.
   */
  static Mono<Void> taken(List<Answer> answers, Optional<Duration> firstTokenWithin) {
    return Flux.fromIterable(answers)
        .mapNotNull(answer -> answer.generation().orElse(null))
        .concatMap(generation -> taken(generation, firstTokenWithin))
        .then();
  }

  private static Mono<Void> taken(TextGeneration generation, Optional<Duration> firstTokenWithin) {
    return Mono.fromFuture(generation.estimate())
        .filter(estimate -> late(estimate, firstTokenWithin))
        .flatMap(estimate -> Mono.fromFuture(generation.result()))
        .doOnNext(Answers::finishReason)
        .then();
  }

  private static boolean late(Optional<LatencyEstimate> estimate, Optional<Duration> limit) {
    return estimate.isPresent()
        && limit.isPresent()
        && estimate.get().firstToken().compareTo(limit.get()) > 0;
  }
}
