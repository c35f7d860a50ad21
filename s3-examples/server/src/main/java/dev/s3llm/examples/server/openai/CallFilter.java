package dev.s3llm.examples.server.openai;

import java.util.Optional;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Ends a call when its exchange ends: the exchange sees every disconnect, also while the call is
 * still read, waits in a queue, or has nothing to write.
 */
public final class CallFilter implements WebFilter {
  /** Exchange attribute: on whose behalf a request runs. */
  public static final String TENANT = CallFilter.class.getName() + ".tenant";

  private static final String CALL = CallFilter.class.getName() + ".call";

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    return chain
        .filter(exchange)
        .doFinally(
            signal -> {
              Call call = exchange.getAttribute(CALL);
              if (call != null) {
                call.cancel();
              }
            });
  }

  static void attach(ServerRequest request, Call call) {
    request.attributes().put(CALL, call);
  }

  static Optional<String> tenant(ServerRequest request) {
    return request.attribute(TENANT).map(String.class::cast);
  }
}
