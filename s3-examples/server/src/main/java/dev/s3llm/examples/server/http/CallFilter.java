package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.call.Call;
import java.util.Optional;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Cancels a call when its exchange ends. The exchange ends at every disconnect, also while the call
 * is being read, waits in a queue, or has nothing to write.
 */
public final class CallFilter implements WebFilter {
  /** Exchange attribute: the tenant of the request, a {@code String}. */
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
