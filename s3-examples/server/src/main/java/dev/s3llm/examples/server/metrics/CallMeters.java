package dev.s3llm.examples.server.metrics;

import dev.s3llm.GenerationResult;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.examples.server.openai.Call;
import dev.s3llm.examples.server.openai.CallListener;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.text.TextResult;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;

/**
 * Times of calls by the names, attributes and bucket edges of OpenTelemetry's conventions for
 * generative AI servers, and how good the length predictions were.
 */
public final class CallMeters implements CallListener {
  private static final Duration[] FIRST_TOKEN_EDGES =
      seconds(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10);
  private static final Duration[] OUTPUT_TOKEN_EDGES =
      seconds(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5);
  private static final Duration[] REQUEST_EDGES =
      seconds(
          0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);
  private static final double[] RATIO_EDGES = {0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 4};

  private final MeterRegistry registry;

  /** Records into a registry. */
  public CallMeters(MeterRegistry registry) {
    this.registry = registry;
  }

  private static Duration[] seconds(double... edges) {
    return Arrays.stream(edges)
        .mapToObj(edge -> Duration.ofNanos(Math.round(edge * 1e9)))
        .toArray(Duration[]::new);
  }

  @Override
  public void onEnd(Call call, TextResult text) {
    GenerationResult result = text.generation();
    Duration before = Duration.between(call.created(), call.submitted());
    Tags tags = tags(call);
    Optional<ApiException> error = ApiException.of(text);
    request(tags, error.map(ApiException::kind).orElse("")).record(before.plus(result.total()));
    if (error.isPresent()) {
      return;
    }
    result
        .timeToFirstToken()
        .ifPresent(
            first -> {
              timer("gen_ai.server.time_to_first_token", FIRST_TOKEN_EDGES, tags)
                  .record(before.plus(first));
              perToken(result, first, tags);
            });
    if (result.finishReason() == FinishReason.STOP) { // others were cut, and say "at least"
      result.prediction().ifPresent(prediction -> quality(prediction, result.outputTokens(), call));
    }
  }

  private void perToken(GenerationResult result, Duration first, Tags tags) {
    int others = result.outputTokens() - 1;
    if (others > 0) {
      timer("gen_ai.server.time_per_output_token", OUTPUT_TOKEN_EDGES, tags)
          .record(result.total().minus(first).dividedBy(others));
    }
  }

  private void quality(LengthPrediction prediction, int actual, Call call) {
    int median = prediction.quantile(0.5);
    Tags model = Tags.of("gen_ai.request.model", call.model());
    DistributionSummary.builder("s3.predictions.ratio")
        .description("Answer's length over its predicted median")
        .tags(model)
        .serviceLevelObjectives(RATIO_EDGES)
        .register(registry)
        .record((double) actual / Math.max(1, median));
    DistributionSummary.builder("s3.predictions.error")
        .description("Tokens between an answer's length and its predicted median")
        .tags(model)
        .register(registry)
        .record(Math.abs(actual - median));
  }

  @Override
  public void onRefused(Call call, ApiException error) {
    Duration took = Duration.between(call.created(), Instant.now());
    request(tags(call), error.kind()).record(took);
  }

  private Timer request(Tags tags, String error) {
    // Prometheus wants the same labels on each series of a name.
    return timer("gen_ai.server.request.duration", REQUEST_EDGES, tags.and("error.type", error));
  }

  private static Tags tags(Call call) {
    return Tags.of(
        "gen_ai.operation.name", call.operation(),
        "gen_ai.provider.name", Call.PROVIDER,
        "gen_ai.request.model", call.model(),
        "gen_ai.response.model", call.model());
  }

  private Timer timer(String name, Duration[] edges, Tags tags) {
    return Timer.builder(name).tags(tags).serviceLevelObjectives(edges).register(registry);
  }
}
