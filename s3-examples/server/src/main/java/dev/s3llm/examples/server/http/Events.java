package dev.s3llm.examples.server.http;

import java.time.Duration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Server-sent events. */
final class Events {
  private Events() {}

  /** Returns an event; it has a space after the colon, which some clients need. */
  static ServerSentEvent<String> data(String data) {
    return ServerSentEvent.builder(" " + data).build();
  }

  /** Returns an event with a type. */
  static ServerSentEvent<String> typed(String type, String data) {
    return ServerSentEvent.builder(" " + data).event(" " + type).build();
  }

  /**
   * Returns a response with events.
   *
   * @param heartbeat interval between comments that keep the connection alive
   */
  static Mono<ServerResponse> response(Flux<ServerSentEvent<String>> events, Duration heartbeat) {
    return ServerResponse.ok()
        .contentType(MediaType.TEXT_EVENT_STREAM)
        .header(HttpHeaders.CACHE_CONTROL, "no-cache")
        .header("X-Accel-Buffering", "no") // nginx would collect the pieces
        .body(BodyInserters.fromServerSentEvents(withHeartbeats(events, heartbeat)));
  }

  private static Flux<ServerSentEvent<String>> withHeartbeats(
      Flux<ServerSentEvent<String>> events, Duration interval) {
    return events.publish(
        shared -> Flux.merge(shared, heartbeats(interval).takeUntilOther(shared.ignoreElements())));
  }

  private static Flux<ServerSentEvent<String>> heartbeats(Duration interval) {
    return Flux.interval(interval)
        .onBackpressureDrop()
        .map(tick -> ServerSentEvent.<String>builder().comment(" keep-alive").build());
  }
}
