package dev.s3llm.examples.server.autoconfigure;

import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.CallFilter;
import dev.s3llm.examples.server.openai.ErrorResponses;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.reactive.function.server.HandlerFilterFunction;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * Lets in who has a bearer token among its keys, and notes the tenant whose key it is; everybody if
 * there are no keys. It stands on routes, so that no spelling of a path leads around it.
 */
final class ApiKeyFilter implements HandlerFilterFunction<ServerResponse, ServerResponse> {
  private static final String BEARER = "Bearer ";

  private final List<Key> keys;

  private record Key(String secret, String tenant) {}

  private ApiKeyFilter(List<Key> keys) {
    this.keys = keys;
  }

  /** Asks for a key of a tenant, if any has one. */
  static ApiKeyFilter of(Map<String, S3Properties.Tenant> tenants) {
    List<Key> keys = new ArrayList<>();
    tenants.forEach(
        (name, tenant) -> tenant.apiKeys().forEach(key -> keys.add(new Key(key, name))));
    return new ApiKeyFilter(keys);
  }

  /** Asks for this key, if there is one. */
  static ApiKeyFilter of(@Nullable String key) {
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
      return ErrorResponses.of(ApiException.unauthorized());
    }
    request.attributes().put(CallFilter.TENANT, tenant.get());
    return answer.handle(request);
  }

  private Optional<String> tenant(@Nullable String authorization) {
    if (authorization == null || !hasScheme(authorization)) {
      return Optional.empty();
    }
    byte[] given = bytes(authorization.substring(BEARER.length()).strip());
    Optional<String> tenant = Optional.empty();
    for (Key key : keys) { // all of them, so that the time taken says nothing
      if (MessageDigest.isEqual(bytes(key.secret), given)) {
        tenant = Optional.of(key.tenant);
      }
    }
    return tenant;
  }

  /** Its case does not matter (RFC 9110, 11.1). */
  private static boolean hasScheme(String authorization) {
    return authorization.regionMatches(true, 0, BEARER, 0, BEARER.length());
  }

  private static byte[] bytes(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }
}
