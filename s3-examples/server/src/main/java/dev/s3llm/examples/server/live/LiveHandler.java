package dev.s3llm.examples.server.live;

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

/** Answers the endpoints of the page. Thread-safe. */
public final class LiveHandler {
  private final LiveFeed feed;
  private final LivePage page = new LivePage();

  /** Makes a handler. */
  public LiveHandler(LiveFeed feed) {
    this.feed = feed;
  }

  /** {@code GET /live}: the page, which says nothing by itself. */
  public Mono<ServerResponse> page(ServerRequest request) {
    return ServerResponse.ok()
        .contentType(new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8))
        .cacheControl(CacheControl.noCache())
        .header("Content-Security-Policy", page.policy())
        .header("Referrer-Policy", "no-referrer")
        .header("X-Content-Type-Options", "nosniff")
        .bodyValue(page.html());
  }

  /** {@code GET /live/state}: one picture. */
  public Mono<ServerResponse> state(ServerRequest request) {
    return feed.state()
        .flatMap(
            json ->
                ServerResponse.ok()
                    .contentType(MediaType.APPLICATION_JSON)
                    .cacheControl(CacheControl.noStore())
                    .bodyValue(json));
  }

  /** {@code GET /live/stream}: pictures as server-sent events. */
  public Mono<ServerResponse> stream(ServerRequest request) {
    return feed.stream().map(LiveHandler::events).orElseGet(LiveHandler::tooMany);
  }

  private static Mono<ServerResponse> events(Flux<String> pictures) {
    return ServerResponse.ok()
        .contentType(MediaType.TEXT_EVENT_STREAM)
        .cacheControl(CacheControl.noStore())
        .header("X-Accel-Buffering", "no") // of nginx, which would collect the pictures
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
