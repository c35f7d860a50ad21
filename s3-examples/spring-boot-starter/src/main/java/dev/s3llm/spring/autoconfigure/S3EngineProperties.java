package dev.s3llm.spring.autoconfigure;

import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Min;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.hibernate.validator.constraints.time.DurationMin;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * Properties of the engine.
 *
 * @param planner memory planner.
 * @param maxLiveRequests most requests that wait, run, or have a result that is not delivered yet;
 *     further requests are refused.
 * @param timePerOutputToken target for the time per output token. Default: none.
 * @param predictionBudget most time for a length prediction.
 * @param closeTimeout most time for requests to finish when the engine is closed.
 * @param recordFile CSV file to which the requests are recorded as a trace for {@code replay}; a
 *     file that exists is renamed. Default: none, nothing is recorded.
 * @param tenants tenants by name. Default: none, every tenant has the weight 1.
 */
@Validated
@ConfigurationProperties("s3llm")
public record S3EngineProperties(
    @DefaultValue("forecast") Planner planner,
    @DefaultValue("256") @Min(1) int maxLiveRequests,
    @DurationMin(nanos = 1) @Nullable Duration timePerOutputToken,
    @DefaultValue("500ms") @DurationMin(nanos = 1) Duration predictionBudget,
    @DefaultValue("5s") @DurationMin(nanos = 1) Duration closeTimeout,
    @Nullable Path recordFile,
    @DefaultValue Map<String, @Valid Tenant> tenants) {

  /** Memory planners. */
  public enum Planner {
    /** Admits by the forecast memory use of the whole batch. */
    FORECAST,
    /** Reserves each request's predicted length. */
    S3,
    /** Reserves what tokens already fill; preempts when memory is full. */
    ON_DEMAND,
    /** Reserves each request's limit. */
    WORST_CASE
  }

  /**
   * Properties of a tenant.
   *
   * @param weight share of the engine relative to other tenants, from 0.000001 to 1000000.
   */
  public record Tenant(@DefaultValue("1") @DecimalMin("1e-6") @DecimalMax("1e6") double weight) {}
}
