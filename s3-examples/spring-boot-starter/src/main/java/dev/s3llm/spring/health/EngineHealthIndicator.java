package dev.s3llm.spring.health;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineSnapshot;
import java.util.Objects;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * Reports an engine as up while it is healthy, else as down with the reason. Details: waiting and
 * running requests, and steps. Thread-safe.
 */
public final class EngineHealthIndicator implements HealthIndicator {
  private final S3Engine engine;

  /**
   * Creates an indicator.
   *
   * @param engine the engine to report on
   */
  public EngineHealthIndicator(S3Engine engine) {
    this.engine = Objects.requireNonNull(engine, "engine");
  }

  @Override
  public Health health() {
    EngineSnapshot now = engine.snapshot();
    dev.s3llm.observe.Health health = engine.health();
    return (health.healthy() ? Health.up() : Health.down().withDetail("reason", health.reason()))
        .withDetail("waiting", now.requests().waiting() + now.requests().predicting())
        .withDetail("running", now.requests().running())
        .withDetail("steps", now.work().steps())
        .build();
  }
}
