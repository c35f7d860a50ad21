package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.ApiException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.HandlerFilterFunction;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * Accepts requests whose bearer token is one of the keys, and sets the attribute {@link
 * CallFilter#TENANT} to the key's tenant. Without keys it accepts all requests. It filters routes
 * instead of paths, so that no spelling of a path avoids it.
 */
public final class ApiKeyFilter implements HandlerFilterFunction<ServerResponse, ServerResponse> {
  private static final String BEARER = "Bearer ";

  private static final long MOST_DISCARDED_BYTES = 1 << 20;
  private static final Duration LONGEST_DISCARD = Duration.ofSeconds(5);

  private final List<Key> keys;

  private record Key(String secret, String tenant) {}

  private ApiKeyFilter(List<Key> keys) {
    this.keys = keys;
  }

  /** Returns a filter for the keys of tenants, by the tenant's name. */
  public static ApiKeyFilter of(Map<String, List<String>> keysByTenant) {
    List<Key> keys = new ArrayList<>();
    keysByTenant.forEach((tenant, own) -> own.forEach(key -> keys.add(new Key(key, tenant))));
    return new ApiKeyFilter(keys);
  }

  /** Returns a filter for one key; null accepts all requests. */
  public static ApiKeyFilter of(@Nullable String key) {
    return new ApiKeyFilter(key == null ? List.of() : List.of(new Key(key, "")));
  }

  @Override
  public Mono<ServerResponse> filter(
      ServerRequest request, HandlerFunction<ServerResponse> answer) {
    if (keys.isEmpty()) {
      return answer.handle(request);
    }
    Optional<String> tenant = tenant(request.headers().firstHeader(HttpHeaders.AUTHORIZATION));
    if (tenant.isEmpty()) {
      return discard(request).then(ErrorResponses.of(ApiException.unauthorized()));
    }
    request.attributes().put(CallFilter.TENANT, tenant.get());
    return answer.handle(request);
  }

  /**
   * Reads the body and drops it. A client that gets its response before it has sent the body may
   * leave the rest out and send its next request on the connection, which would be taken for the
   * rest. A body that is too long or too slow is left: its connection is of no use anyway.
   */
  private static Mono<Void> discard(ServerRequest request) {
    return request
        .bodyToFlux(DataBuffer.class)
        .map(ApiKeyFilter::release)
        .scan(0L, Long::sum)
        .takeUntil(bytes -> bytes > MOST_DISCARDED_BYTES)
        .take(LONGEST_DISCARD)
        .onErrorComplete()
        .then();
  }

  private static long release(DataBuffer buffer) {
    long bytes = buffer.readableByteCount();
    DataBufferUtils.release(buffer);
    return bytes;
  }

  private Optional<String> tenant(@Nullable String authorization) {
    if (authorization == null || !hasScheme(authorization)) {
      return Optional.empty();
    }
    byte[] given = bytes(authorization.substring(BEARER.length()).strip());
    Optional<String> tenant = Optional.empty();
    for (Key key : keys) { // all of them: the time must not depend on the key
      if (MessageDigest.isEqual(bytes(key.secret), given)) {
        tenant = Optional.of(key.tenant);
      }
    }
    return tenant;
  }

  /** Compares the scheme without regard to case (RFC 9110, 11.1). */
  private static boolean hasScheme(String authorization) {
    return authorization.regionMatches(true, 0, BEARER, 0, BEARER.length());
  }

  private static byte[] bytes(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }
}
