package dev.s3llm.examples.server.autoconfigure;

import jakarta.validation.Valid;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.hibernate.validator.constraints.time.DurationMin;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * Properties of the endpoints. The starter has those of the model and of the engine.
 *
 * @param firstTokenWithin refuses requests whose first token is expected later. Default: none.
 * @param deadline time after which a request times out. Default: none.
 * @param checkProperties whether the start fails if a property that begins with s3llm is unknown.
 * @param tenants tenants by name. Default: none, requests need no API key.
 * @param web properties of HTTP.
 * @param livePage properties of the live page.
 */
@Validated
@ConfigurationProperties("s3llm")
public record ServerProperties(
    @DurationMin(nanos = 1) @Nullable Duration firstTokenWithin,
    @DurationMin(nanos = 1) @Nullable Duration deadline,
    @DefaultValue("true") boolean checkProperties,
    @DefaultValue Map<String, @Valid Tenant> tenants,
    @DefaultValue @Valid Web web,
    @DefaultValue @Valid LivePage livePage) {

  @AssertTrue(message = "in s3llm.tenants an API key must be of one tenant only")
  boolean isEachApiKeyOfOneTenant() {
    List<String> keys =
        tenants.values().stream().flatMap(tenant -> tenant.apiKeys().stream().distinct()).toList();
    return Set.copyOf(keys).size() == keys.size();
  }

  /** Returns the API keys of each tenant. */
  Map<String, List<String>> apiKeys() {
    return tenants.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, tenant -> tenant.getValue().apiKeys()));
  }

  /**
   * Properties of a tenant.
   *
   * @param apiKeys keys that authenticate the tenant; if no tenant has a key, requests need none.
   */
  public record Tenant(@DefaultValue List<@NotBlank String> apiKeys) {}

  /**
   * Properties of HTTP.
   *
   * @param maxRequestSize largest request body, up to 2 GB.
   * @param heartbeat interval between comments in a stream without data.
   * @param requestTimeout most time from the begin of a connection to its first request's head, and
   *     from each head to the end of the body. With server.http2.enabled it limits the body only.
   * @param idleTimeout most time from a response to the next request's head; longer than proxies
   *     and most clients keep an idle connection, since a request that is sent while the server
   *     closes fails. With server.http2.enabled idle connections are kept.
   * @param writeTimeout most time for a client to receive data that is sent to it.
   * @param maxOutputTokens most output tokens of a request; a request without a limit gets as many
   *     as its prompt leaves room for, and these at most.
   * @param corsOrigins origins, such as https://chat.example.com, whose pages may use the endpoints
   *     in a browser; * for all. Default: none.
   * @param accessLog whether each request is logged, at INFO.
   * @param submitThreads threads that read and encode prompts.
   * @param submitQueue most requests that wait for these threads; further requests are refused.
   */
  public record Web(
      @DefaultValue("1MB") DataSize maxRequestSize,
      @DefaultValue("10s") @DurationMin(millis = 1) Duration heartbeat,
      @DefaultValue("30s") @DurationMin(millis = 1) Duration requestTimeout,
      @DefaultValue("75s") @DurationMin(millis = 1) Duration idleTimeout,
      @DefaultValue("30s") @DurationMin(millis = 1) Duration writeTimeout,
      @DefaultValue("2147483647") @Min(1) int maxOutputTokens,
      @DefaultValue List<@NotBlank String> corsOrigins,
      @DefaultValue("false") boolean accessLog,
      @DefaultValue("2") @Min(1) int submitThreads,
      @DefaultValue("1024") @Min(1) int submitQueue) {

    @AssertTrue(message = "s3llm.web.max-request-size must be from 1 byte to 2 GB")
    boolean isMaxRequestSizeInRange() {
      return maxRequestSize.toBytes() > 0 && maxRequestSize.toBytes() <= Integer.MAX_VALUE;
    }
  }

  /**
   * Properties of the live page.
   *
   * @param enabled whether the page is served.
   * @param apiKey key that the page's data needs. Without one the data is open to everybody; if a
   *     tenant has an API key, the page is off.
   * @param maxViewers most streams at a time.
   */
  public record LivePage(
      @DefaultValue("true") boolean enabled,
      @Nullable String apiKey,
      @DefaultValue("16") @Min(1) int maxViewers) {}
}
