package dev.s3llm.examples.server.http;

import org.springframework.http.server.reactive.HttpHandler;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Threads that run the requests below {@code /v1/}. The event loops of the web server only read and
 * write, and answer everything else themselves: so a request for the server's health does not wait
 * behind a thousand requests that are read, refused or measured. A request waits for such a thread
 * with its connection, so the web server's limits bound the queue. Thread-safe.
 */
public final class RequestThreads implements AutoCloseable {
  private static final String PATHS = "/v1/";

  private final Scheduler scheduler;

  /**
   * Starts the threads.
   *
   * @param count at least 1
   */
  public RequestThreads(int count) {
    scheduler = Schedulers.newParallel("s3-web", count, true);
  }

  Scheduler scheduler() {
    return scheduler;
  }

  /** Returns a handler that calls another one on these threads where the path is below /v1/. */
  public HttpHandler decorate(HttpHandler handler) {
    return (request, response) -> {
      String path = request.getPath().pathWithinApplication().value();
      return path.startsWith(PATHS)
          ? Mono.defer(() -> handler.handle(request, response)).subscribeOn(scheduler)
          : handler.handle(request, response);
    };
  }

  @Override
  public void close() {
    scheduler.dispose();
  }
}
