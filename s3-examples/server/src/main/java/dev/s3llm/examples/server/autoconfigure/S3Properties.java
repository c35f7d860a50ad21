package dev.s3llm.examples.server.autoconfigure;

import jakarta.validation.Valid;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Pattern;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hibernate.validator.constraints.time.DurationMin;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * What can be set about the engine and the server.
 *
 * @param model a Hugging Face folder; the embedded small model if there is none
 * @param modelName by what name clients ask for it; the folder's by default
 * @param lengthModel folder of a length classifier; without one, and with a model of one's own,
 *     lengths are learned from the answers
 * @param device {@code host}, {@code cuda}, {@code cuda:0,1} for one stage a GPU, or {@code auto}:
 *     the first GPU if there is one
 * @param kvMemory memory for keys and values; 256 MB on the host, and what is free on a GPU
 * @param threads threads of the model on the host; 0 is one a processor
 * @param planner how KV memory is planned
 * @param maxLiveRequests how many requests may wait, run or have a result that is not handed over
 *     yet; more are refused
 * @param timePerOutputToken target for the time per output token
 * @param firstTokenWithin refuses requests whose first token is expected later
 * @param deadline after how long a request times out
 * @param predictionBudget how long a length prediction may take
 * @param closeTimeout how long the engine lets requests finish after the web server has stopped
 * @param tenants who may send requests, by name; everybody if nobody is named
 * @param web what can be set about HTTP
 * @param metrics what can be set about metrics
 * @param livePage what can be set about the live page
 */
@Validated
@ConfigurationProperties("s3llm")
public record S3Properties(
    @Nullable Path model,
    @Nullable String modelName,
    @Nullable Path lengthModel,
    @DefaultValue("auto") @Pattern(regexp = "auto|host|cuda|cuda:\\d{1,3}(,\\d{1,3})*")
        String device,
    @Nullable DataSize kvMemory,
    @DefaultValue("0") @Min(0) int threads,
    @DefaultValue("forecast") Planner planner,
    @DefaultValue("256") @Min(1) int maxLiveRequests,
    @DurationMin(nanos = 1) @Nullable Duration timePerOutputToken,
    @DurationMin(nanos = 1) @Nullable Duration firstTokenWithin,
    @DurationMin(nanos = 1) @Nullable Duration deadline,
    @DefaultValue("500ms") @DurationMin(nanos = 1) Duration predictionBudget,
    @DefaultValue("5s") @DurationMin(nanos = 1) Duration closeTimeout,
    @DefaultValue Map<String, @Valid Tenant> tenants,
    @DefaultValue @Valid Web web,
    @DefaultValue Metrics metrics,
    @DefaultValue @Valid LivePage livePage) {

  @AssertTrue(message = "s3llm.kv-memory must be positive")
  boolean isKvMemoryPositive() {
    return kvMemory == null || kvMemory.toBytes() > 0;
  }

  @AssertTrue(message = "in s3llm.tenants an API key must be of one tenant only")
  boolean isEachApiKeyOfOneTenant() {
    List<String> keys =
        tenants.values().stream().flatMap(tenant -> tenant.apiKeys().stream().distinct()).toList();
    return Set.copyOf(keys).size() == keys.size();
  }

  /** Memory planners. */
  public enum Planner {
    /** By what the whole batch will need. */
    FORECAST,
    /** By each request's predicted length. */
    S3,
    /** By what is used; preempts when memory is full. */
    ON_DEMAND,
    /** By each request's limit. */
    WORST_CASE
  }

  /**
   * Somebody who sends requests.
   *
   * @param weight share of the engine against the other tenants
   * @param apiKeys any of them authenticates; if no tenant has one, none is asked for
   */
  public record Tenant(
      @DefaultValue("1") @DecimalMin("1e-6") @DecimalMax("1e6") double weight,
      @DefaultValue List<@NotBlank String> apiKeys) {}

  /**
   * HTTP.
   *
   * @param maxRequestSize largest request body
   * @param heartbeat how often a stream that has nothing to say says so
   * @param requestTimeout within what time of its connection's beginning, or of the response before
   *     it, a request's head must be there, and then its body; with {@code server.http2.enabled}
   *     the body only, and idle connections are kept
   * @param writeTimeout within what time a client must have taken what is sent to it
   * @param submitThreads threads that read and encode prompts
   * @param submitQueue requests that may wait for those threads; more are refused
   */
  public record Web(
      @DefaultValue("1MB") DataSize maxRequestSize,
      @DefaultValue("10s") @DurationMin(millis = 1) Duration heartbeat,
      @DefaultValue("30s") @DurationMin(millis = 1) Duration requestTimeout,
      @DefaultValue("30s") @DurationMin(millis = 1) Duration writeTimeout,
      @DefaultValue("2") @Min(1) int submitThreads,
      @DefaultValue("1024") @Min(1) int submitQueue) {

    @AssertTrue(message = "s3llm.web.max-request-size must be from 1 byte to 2 GB")
    boolean isMaxRequestSizeInRange() {
      return maxRequestSize.toBytes() > 0 && maxRequestSize.toBytes() <= Integer.MAX_VALUE;
    }
  }

  /**
   * Metrics.
   *
   * @param vllmNames whether the waiting requests and the KV use are also there by vLLM's names,
   *     which inference gateways read
   */
  public record Metrics(@DefaultValue("false") boolean vllmNames) {}

  /**
   * The live page.
   *
   * @param enabled whether it is there
   * @param apiKey what its data asks for; without one everybody sees it, unless tenants have keys:
   *     then it is off
   * @param maxViewers how many may look at a time
   */
  public record LivePage(
      @DefaultValue("true") boolean enabled,
      @Nullable String apiKey,
      @DefaultValue("16") @Min(1) int maxViewers) {}
}
