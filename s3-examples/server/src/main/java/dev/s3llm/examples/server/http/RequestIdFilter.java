package dev.s3llm.examples.server.http;

import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.http.HttpStatusCode;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Gives each response the header {@value #HEADER}: the id that the client has sent, or a new one.
 * Logs each request, if it is set to: never its query, which may have secrets.
 */
public final class RequestIdFilter implements WebFilter, Ordered {
  /** The header of the id. */
  public static final String HEADER = "x-request-id";

  private static final Logger log = LoggerFactory.getLogger(RequestIdFilter.class);
  private static final Pattern VALID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

  private final boolean accessLog;

  /**
   * Creates a filter.
   *
   * @param accessLog whether each request is logged, at INFO
   */
  public RequestIdFilter(boolean accessLog) {
    this.accessLog = accessLog;
  }

  /** Returns the first place, so that refusals of other filters have an id too. */
  @Override
  public int getOrder() {
    return Ordered.HIGHEST_PRECEDENCE;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    String sent = exchange.getRequest().getHeaders().getFirst(HEADER);
    String id = sent != null && VALID.matcher(sent).matches() ? sent : "req_" + UUID.randomUUID();
    exchange.getResponse().getHeaders().set(HEADER, id);
    if (!accessLog) {
      return chain.filter(exchange);
    }
    long start = System.nanoTime();
    return chain
        .filter(exchange)
        .doOnError(cause -> logError(exchange, id, start))
        .doOnCancel(() -> log(exchange, id, start))
        .doOnSuccess(done -> log(exchange, id, start));
  }

  /** Logs the status that the exception handlers, which come after the filters, choose. */
  private static void logError(ServerWebExchange exchange, String id, long start) {
    if (exchange.getResponse().isCommitted()) {
      log(exchange, id, start);
    } else {
      exchange.getResponse().beforeCommit(() -> Mono.fromRunnable(() -> log(exchange, id, start)));
    }
  }

  private static void log(ServerWebExchange exchange, String id, long start) {
    HttpStatusCode status = exchange.getResponse().getStatusCode();
    log.info(
        "{} {} {} {} {} ms {}",
        exchange.getRequest().getRemoteAddress(),
        exchange.getRequest().getMethod(),
        exchange.getRequest().getURI().getRawPath(),
        status == null ? "-" : status.value(),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start),
        id);
  }
}
