package dev.s3llm.examples.server.openai;

import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.springframework.http.codec.ServerSentEvent;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Makes responses of generations. */
final class Answers {
  private static final String DONE = "[DONE]";

  private Answers() {}

  /** A whole answer. */
  static Completion whole(Call call, TextResult result) {
    String reason = finishReason(result);
    return call.endpoint().whole(call, result.text(), reason, Usage.of(result.generation()));
  }

  /**
   * OpenAI's name of how an answer ended.
   *
   * @throws ApiException if it did not end well
   */
  private static String finishReason(TextResult result) {
    return switch (result.finishReason()) {
      case STOP -> "stop";
      case LENGTH -> "length";
      case CANCELLED -> throw ApiException.closing(); // by the engine: the client would not be here
      case TIMEOUT -> throw ApiException.timeout();
      case FAILED -> throw failure(result);
    };
  }

  private static RuntimeException failure(TextResult result) {
    Throwable cause = result.generation().failure().orElse(null);
    return cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
  }

  /**
   * Waits until it is known whether the engine takes a request after all, since a status cannot be
   * changed once a stream has begun. Empty if it does, and fails if it does not.
   */
  static Mono<Void> taken(TextGeneration generation, Optional<Duration> firstTokenWithin) {
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

  /**
   * An answer in pieces, as the client asks for them. Never fails: an error is the last event.
   *
   * @param usage whether it ends with a count of tokens
   * @param heartbeat between comments that keep the connection alive
   */
  static Flux<ServerSentEvent<String>> stream(
      Call call,
      TextGeneration generation,
      boolean usage,
      Duration heartbeat,
      Function<Throwable, ApiException> errors) {
    Endpoint endpoint = call.endpoint();
    Flux<Completion> pieces =
        JdkFlowAdapter.flowPublisherToFlux(generation.text())
            .map(text -> endpoint.piece(call, text));
    Flux<Completion> rest =
        Mono.fromFuture(generation.result()).flatMapIterable(result -> last(call, result, usage));
    Flux<ServerSentEvent<String>> events =
        Flux.concat(Mono.justOrEmpty(endpoint.opening(call)), pieces, rest)
            .map(Json::write)
            .concatWithValues(DONE)
            .onErrorResume(cause -> Mono.just(Json.write(errors.apply(cause).body())))
            .map(Answers::event);
    return events.publish(
        shared ->
            Flux.merge(shared, heartbeats(heartbeat).takeUntilOther(shared.ignoreElements())));
  }

  private static List<Completion> last(Call call, TextResult result, boolean usage) {
    List<Completion> last = new ArrayList<>();
    last.add(call.endpoint().ending(call, finishReason(result)));
    if (usage) {
      last.add(call.endpoint().usage(call, Usage.of(result.generation())));
    }
    return last;
  }

  private static Flux<ServerSentEvent<String>> heartbeats(Duration interval) {
    return Flux.interval(interval)
        .onBackpressureDrop()
        .map(tick -> ServerSentEvent.<String>builder().comment(" keep-alive").build());
  }

  /** Some clients insist on the space after the colon. */
  private static ServerSentEvent<String> event(String data) {
    return ServerSentEvent.builder(" " + data).build();
  }
}
