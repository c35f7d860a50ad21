package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.live.LiveFeed;
import dev.s3llm.examples.server.live.LivePage;
import java.nio.charset.StandardCharsets;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Handles the endpoints of the live page. Thread-safe. */
public final class LiveHandler {
  private final LiveFeed feed;
  private final LivePage page;

  /**
   * Creates a handler.
   *
   * @param feed the pictures
   * @param page the page that shows them
   */
  public LiveHandler(LiveFeed feed, LivePage page) {
    this.feed = feed;
    this.page = page;
  }

  /** Handles {@code GET /live}: the page without data. */
  public Mono<ServerResponse> page(ServerRequest request) {
    return ServerResponse.ok()
        .contentType(new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8))
        .cacheControl(CacheControl.noCache())
        .header("Content-Security-Policy", page.policy())
        .header("Referrer-Policy", "no-referrer")
        .header("X-Content-Type-Options", "nosniff")
        .bodyValue(page.html());
  }

  /** Handles {@code GET /live/state}: one picture as JSON. */
  public Mono<ServerResponse> state(ServerRequest request) {
    return feed.state()
        .flatMap(
            json ->
                ServerResponse.ok()
                    .contentType(MediaType.APPLICATION_JSON)
                    .cacheControl(CacheControl.noStore())
                    .bodyValue(json));
  }

  /** Handles {@code GET /live/stream}: pictures as server-sent events. */
  public Mono<ServerResponse> stream(ServerRequest request) {
    return feed.stream().map(LiveHandler::events).orElseGet(LiveHandler::tooMany);
  }

  private static Mono<ServerResponse> events(Flux<String> pictures) {
    return ServerResponse.ok()
        .contentType(MediaType.TEXT_EVENT_STREAM)
        .cacheControl(CacheControl.noStore())
        .header("X-Accel-Buffering", "no") // nginx would collect the pictures
        .body(
            BodyInserters.fromServerSentEvents(
                pictures.map(json -> ServerSentEvent.builder(json).build())));
  }

  private static Mono<ServerResponse> tooMany() {
    return ServerResponse.status(HttpStatus.SERVICE_UNAVAILABLE)
        .header(HttpHeaders.RETRY_AFTER, "10")
        .build();
  }
}
