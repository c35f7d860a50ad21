package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.call.Call;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Completion;
import dev.s3llm.examples.server.openai.Endpoint;
import dev.s3llm.examples.server.openai.Json;
import dev.s3llm.examples.server.openai.Usage;
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

/** Converts generations into responses. */
final class Answers {
  private static final String DONE = "[DONE]";

  private Answers() {}

  /**
   * Returns a whole answer.
   *
   * @throws ApiException if it did not end normally
   */
  static Completion whole(Call call, TextResult result) {
    String reason = finishReason(result);
    return call.endpoint().whole(call.head(), result.text(), reason, Usage.of(result.generation()));
  }

  /**
   * Returns OpenAI's name of the end of an answer.
   *
   * @throws ApiException if it did not end normally
   */
  private static String finishReason(TextResult result) {
    return switch (result.finishReason()) {
      case STOP -> "stop";
      case LENGTH -> "length";
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
   * Waits until the engine has accepted or refused a request, since the status of a response cannot
   * change once its stream has begun. Completes empty if it is accepted, and fails if it is
   * refused.
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
   * Returns an answer in pieces. The stream never fails: an error is its last event.
   *
   * @param usage whether the stream ends with a count of tokens
   * @param heartbeat interval between comments that keep the connection alive
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
            .map(text -> endpoint.piece(call.head(), text));
    Flux<Completion> rest =
        Mono.fromFuture(generation.result()).flatMapIterable(result -> last(call, result, usage));
    Flux<ServerSentEvent<String>> events =
        Flux.concat(Mono.justOrEmpty(endpoint.opening(call.head())), pieces, rest)
            .map(piece -> usage ? piece.withoutCounts() : piece)
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
    last.add(call.endpoint().ending(call.head(), finishReason(result)));
    if (usage) {
      last.add(call.endpoint().usage(call.head(), Usage.of(result.generation())));
    }
    return last;
  }

  private static Flux<ServerSentEvent<String>> heartbeats(Duration interval) {
    return Flux.interval(interval)
        .onBackpressureDrop()
        .map(tick -> ServerSentEvent.<String>builder().comment(" keep-alive").build());
  }

  /** Puts a space after the colon, which some clients need. */
  private static ServerSentEvent<String> event(String data) {
    return ServerSentEvent.builder(" " + data).build();
  }
}
