package dev.s3llm.examples.plain;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import dev.s3llm.observe.EngineMetric;
import dev.s3llm.observe.Health;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextResult;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Serves a generator over HTTP: {@code POST /generate}, {@code GET /health}, {@code GET /metrics}.
 * Owns the generator. Thread-safe.
 */
final class TextServer implements AutoCloseable {
  private static final int MAX_BODY_BYTES = 1 << 20;
  private static final int LAST_WRITES_SECONDS = 5;

  /**
   * Threads beyond the live requests: this many for refusals, and as many for health and metrics.
   */
  static final int SPARE_THREADS = 8;

  /** Most live requests, because an engine may allow more than a process may have threads. */
  static final int MOST_GENERATING = 1_000;

  private final TextGenerator generator;
  private final HttpServer http;
  private final ExecutorService threads;

  /** Permits of requests to the generator; some threads stay free for health and metrics. */
  private final Semaphore generating;

  /** Permits of all exchanges, so that {@link #close} can wait for the last writes. */
  private final Semaphore underWay = new Semaphore(Integer.MAX_VALUE);

  private TextServer(TextGenerator generator, HttpServer http, ExecutorService threads) {
    this.generator = generator;
    this.http = http;
    this.threads = threads;
    this.generating = new Semaphore(mostGenerating(generator) + SPARE_THREADS);
  }

  /**
   * Starts a server.
   *
   * @param generator answers the requests; the server closes it
   * @param address host and port; port 0 takes a free one
   * @return the running server
   * @throws IOException if the port is in use
   */
  static TextServer start(TextGenerator generator, InetSocketAddress address) throws IOException {
    return start(generator, address, RequestThreads.create(mostThreads(generator)));
  }

  /** Returns the threads that a pool needs for live requests, refusals, health and metrics. */
  static int mostThreads(TextGenerator generator) {
    return mostGenerating(generator) + 2 * SPARE_THREADS;
  }

  private static int mostGenerating(TextGenerator generator) {
    return Math.min(generator.engine().maxLiveRequests(), MOST_GENERATING);
  }

  static TextServer start(
      TextGenerator generator, InetSocketAddress address, ExecutorService threads)
      throws IOException {
    TextServer server = new TextServer(generator, HttpServer.create(address, 0), threads);
    server.route("POST", "/generate", server::generate);
    server.route("GET", "/health", server::health);
    server.route("GET", "/metrics", server::metrics);
    server.http.setExecutor(server.threads);
    server.http.start();
    return server;
  }

  int port() {
    return http.getAddress().getPort();
  }

  private void route(String method, String path, HttpHandler handler) {
    http.createContext(
        path,
        exchange -> {
          underWay.acquireUninterruptibly();
          try {
            if (!exchange.getRequestURI().getPath().equals(path)) {
              answer(exchange, 404, "no such path");
            } else if (!exchange.getRequestMethod().equals(method)) {
              exchange.getResponseHeaders().set("Allow", method);
              answer(exchange, 405, "only " + method);
            } else {
              handler.handle(exchange);
            }
            exchange
                .close(); // not after an exception, because it would complete an answer that was
            // cut off
          } finally {
            underWay.release();
          }
        });
  }

  private void generate(HttpExchange exchange) throws IOException {
    if (!generating.tryAcquire()) {
      refuse(exchange, new Refusal(503, "too many requests are under way", 1));
      return;
    }
    try {
      answer(exchange);
    } finally {
      generating.release();
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY_BYTES + 1);
    if (body.length > MAX_BODY_BYTES) {
      answer(exchange, 413, "the body may have " + MAX_BODY_BYTES + " bytes");
      return;
    }
    String type = exchange.getRequestHeaders().getFirst("Content-Type");
    boolean json = type != null && type.toLowerCase(Locale.ROOT).contains("json");
    TextGeneration generation;
    try {
      generation = generator.submit(Prompt.read(body, json));
    } catch (RuntimeException e) {
      refuse(exchange, Refusal.of(e));
      return;
    }
    try {
      stream(exchange, generation);
    } catch (IOException e) {
      generation.cancel(); // the client has closed the connection
      throw e;
    } catch (InterruptedException e) {
      generation.cancel();
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for the first piece before it sends 200, because the request may still be refused. */
  private static void stream(HttpExchange exchange, TextGeneration generation)
      throws IOException, InterruptedException {
    Pieces pieces = new Pieces();
    generation.text().subscribe(pieces);
    String piece = pieces.next();
    if (piece.isEmpty() && !endedWell(generation)) {
      refuse(exchange, Refusal.of(generation.result().join().generation()));
      return;
    }
    exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
    exchange.sendResponseHeaders(200, 0); // chunked
    OutputStream out = exchange.getResponseBody();
    for (; !piece.isEmpty(); piece = pieces.next()) {
      out.write(piece.getBytes(StandardCharsets.UTF_8));
      out.flush();
    }
    if (!endedWell(generation)) { // the connection closes without the last chunk
      throw new IOException("the answer of " + generation.id() + " was cut off");
    }
  }

  private static boolean endedWell(TextGeneration generation) {
    TextResult result = generation.result().join();
    return switch (result.finishReason()) {
      case STOP, LENGTH -> true;
      case CANCELLED, TIMEOUT, FAILED -> false;
    };
  }

  private void health(HttpExchange exchange) throws IOException {
    Health health = generator.engine().health();
    answer(exchange, health.healthy() ? 200 : 503, health.healthy() ? "ok" : health.reason());
  }

  /** Answers in the text format of Prometheus. */
  private void metrics(HttpExchange exchange) throws IOException {
    answer(exchange, 200, EngineMetric.prometheusText(generator.engine().snapshot()));
  }

  private static void refuse(HttpExchange exchange, Refusal refusal) throws IOException {
    if (refusal.retryAfterSeconds() > 0) {
      exchange.getResponseHeaders().set("Retry-After", "" + refusal.retryAfterSeconds());
    }
    answer(exchange, refusal.status(), refusal.message());
  }

  private static void answer(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = (text + "\n").getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  /** Refuses new requests, waits for live ones within the engine's close timeout, and stops. */
  @Override
  public void close() {
    generator.close();
    try {
      underWay.tryAcquire(Integer.MAX_VALUE, LAST_WRITES_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    http.stop(0);
    threads.shutdown();
  }
}
