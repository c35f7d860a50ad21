package dev.s3llm.observe;

import dev.s3llm.observe.EngineSnapshot.Histogram;
import dev.s3llm.observe.EngineSnapshot.Latency;
import dev.s3llm.observe.EngineSnapshot.Tenant;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * The engine's metrics, with name, unit, description, and the way to read each from a snapshot. A
 * metric has one series, or a series for each value of its {@link #label}. {@link #prometheusText}
 * writes all of them; a binding to a metrics library is a loop over {@link #values}. Immutable and
 * thread-safe.
 *
 * <pre>{@code
 * for (EngineMetric metric : EngineMetric.values()) {
 *   registry.register(metric.metricName(), () -> metric.read(engine.snapshot()));
 * }
 * }</pre>
 */
public enum EngineMetric {
  /** 1 if the engine makes progress, else 0. */
  HEALTHY(
      "s3.engine.healthy",
      "1",
      "1 if the engine makes progress, else 0",
      Kind.GAUGE,
      s -> s.healthy() ? 1 : 0),
  /** Requests whose prediction is pending. */
  PREDICTING(
      "s3.requests.predicting",
      "requests",
      "Requests whose prediction is pending",
      Kind.GAUGE,
      s -> s.requests().predicting()),
  /** Requests that wait for memory, preempted ones included. */
  WAITING(
      "s3.requests.waiting",
      "requests",
      "Requests that wait for memory, preempted ones included",
      Kind.GAUGE,
      s -> s.requests().waiting()),
  /** Requests that hold KV memory. */
  RUNNING(
      "s3.requests.running",
      "requests",
      "Requests that hold KV memory",
      Kind.GAUGE,
      s -> s.requests().running()),
  /** Requests accepted. */
  SUBMITTED(
      "s3.requests.submitted",
      "requests",
      "Requests accepted",
      Kind.COUNTER,
      s -> s.requests().submitted()),
  /** Requests refused, by reason. */
  REFUSED(
      "s3.requests.refused", "requests", "Requests refused", Kind.COUNTER, MetricSeries.refusals()),
  /** Requests that ended at a stop token. */
  STOPPED(
      "s3.requests.stopped",
      "requests",
      "Requests that ended at a stop token",
      Kind.COUNTER,
      s -> s.requests().ended().stopped()),
  /** Requests that ended at their output limit. */
  CUT_AT_LIMIT(
      "s3.requests.cut",
      "requests",
      "Requests that ended at their output limit",
      Kind.COUNTER,
      s -> s.requests().ended().cutAtLimit()),
  /** Requests cancelled. */
  CANCELLED(
      "s3.requests.cancelled",
      "requests",
      "Requests cancelled",
      Kind.COUNTER,
      s -> s.requests().ended().cancelled()),
  /** Requests whose deadline passed. */
  TIMED_OUT(
      "s3.requests.timed_out",
      "requests",
      "Requests whose deadline passed",
      Kind.COUNTER,
      s -> s.requests().ended().timedOut()),
  /** Requests that failed. */
  FAILED(
      "s3.requests.failed",
      "requests",
      "Requests that failed",
      Kind.COUNTER,
      s -> s.requests().ended().failed()),
  /** KV blocks on the device. */
  KV_CAPACITY(
      "s3.kv.capacity",
      "blocks",
      "KV blocks on the device",
      Kind.GAUGE,
      s -> s.memory().capacityBlocks()),
  /** KV blocks that hold tokens or are reserved. */
  KV_RESERVED(
      "s3.kv.reserved",
      "blocks",
      "KV blocks that hold tokens or are reserved",
      Kind.GAUGE,
      s -> s.memory().reservedBlocks()),
  /** KV blocks that hold tokens. */
  KV_ALLOCATED(
      "s3.kv.allocated",
      "blocks",
      "KV blocks that hold tokens",
      Kind.GAUGE,
      s -> s.memory().allocatedBlocks()),
  /** KV blocks that more than one running request owns. */
  KV_SHARED(
      "s3.kv.shared",
      "blocks",
      "KV blocks that more than one running request owns",
      Kind.GAUGE,
      s -> s.memory().prefixes().sharedBlocks()),
  /** KV blocks without a request that are kept for later ones. */
  KV_KEPT(
      "s3.kv.kept",
      "blocks",
      "KV blocks without a request that are kept for later ones",
      Kind.GAUGE,
      s -> s.memory().prefixes().keptBlocks()),
  /** Kept KV blocks that were forgotten because their room was needed. */
  KV_FORGOTTEN(
      "s3.kv.forgotten",
      "blocks",
      "Kept KV blocks that were forgotten because their room was needed",
      Kind.COUNTER,
      s -> s.memory().prefixes().forgottenBlocks()),
  /** Forgotten KV blocks that are kept in host memory. */
  KV_STORED(
      "s3.kv.stored",
      "blocks",
      "Forgotten KV blocks that are kept in host memory",
      Kind.GAUGE,
      s -> s.memory().prefixes().storedBlocks()),
  /** Host blocks that hold swapped tokens. */
  KV_SWAPPED(
      "s3.kv.swapped",
      "blocks",
      "Host blocks that hold swapped tokens",
      Kind.GAUGE,
      s -> s.memory().hostAllocatedBlocks()),
  /** Steps launched. */
  STEPS("s3.steps", "steps", "Steps launched", Kind.COUNTER, s -> s.work().steps()),
  /** Prompt tokens of the requests accepted. */
  PROMPT_TOKENS(
      "s3.tokens.prompt",
      "tokens",
      "Prompt tokens of the requests accepted",
      Kind.COUNTER,
      s -> s.work().promptTokens()),
  /** Prompt tokens that were not computed because an earlier request had computed them. */
  CACHED_TOKENS(
      "s3.tokens.cached",
      "tokens",
      "Prompt tokens that were not computed because an earlier request had computed them",
      Kind.COUNTER,
      s -> s.memory().prefixes().cachedTokens()),
  /** Output tokens generated. */
  OUTPUT_TOKENS(
      "s3.tokens.output",
      "tokens",
      "Output tokens generated",
      Kind.COUNTER,
      s -> s.work().outputTokens()),
  /** Output tokens that were thinking, of the requests that ended. */
  THINKING_TOKENS(
      "s3.tokens.thinking",
      "tokens",
      "Output tokens that were thinking, of the requests that ended",
      Kind.COUNTER,
      s -> s.work().thinkingTokens()),
  /** Tokens whose KV was dropped by a preemption, or whose copy to host memory failed. */
  RECOMPUTED_TOKENS(
      "s3.tokens.recomputed",
      "tokens",
      "Tokens whose KV was dropped by a preemption, or whose copy to host memory failed",
      Kind.COUNTER,
      s -> s.work().recomputedTokens()),
  /** Tokens whose KV a preemption copied to host memory. */
  SWAPPED_TOKENS(
      "s3.tokens.swapped",
      "tokens",
      "Tokens whose KV a preemption copied to host memory",
      Kind.COUNTER,
      s -> s.work().swappedTokens()),
  /**
   * Preemptions, by reason: the sequence has outgrown its reservation, another one has and reclaims
   * the memory, or a waiting sequence displaces it.
   */
  PREEMPTIONS(
      "s3.preemptions", "preemptions", "Preemptions", Kind.COUNTER, MetricSeries.preemptions()),
  /** Times that a sequence needed more than its reservation. */
  OUTGROWN(
      "s3.predictions.outgrown",
      "sequences",
      "Times that a sequence needed more than its reservation",
      Kind.COUNTER,
      s -> s.predictions().outgrown()),
  /** Predictions, and repeated predictions, that failed or were late. */
  PREDICTOR_FALLBACKS(
      "s3.predictions.fallbacks",
      "predictions",
      "Predictions, and repeated predictions, that failed or were late",
      Kind.COUNTER,
      s -> s.predictions().fallbacks()),
  /** Share of complete answers within their predicted 90th percentile; NaN before the first. */
  COVERAGE_P90(
      "s3.predictions.coverage_p90",
      "1",
      "Share of complete answers within their predicted 90th percentile; NaN before the first",
      Kind.GAUGE,
      s -> s.predictions().coverageOfP90()),
  /** Step completions that were ignored because they matched no step in flight. */
  IGNORED_COMPLETIONS(
      "s3.steps.ignored_completions",
      "completions",
      "Step completions that were ignored because they matched no step in flight",
      Kind.COUNTER,
      s -> s.faults().ignoredCompletions()),
  /** Exceptions thrown by subscribers, other callbacks and listeners. */
  CALLBACK_FAILURES(
      "s3.callbacks.failures",
      "exceptions",
      "Exceptions thrown by subscribers, other callbacks and listeners",
      Kind.COUNTER,
      s -> s.faults().callbackFailures()),
  /** Events that were dropped because listeners were too slow. */
  DROPPED_EVENTS(
      "s3.events.dropped",
      "events",
      "Events that were dropped because listeners were too slow",
      Kind.COUNTER,
      s -> s.faults().droppedEvents()),
  /** Time from submission to the first admission. */
  QUEUE_TIME(
      "s3.latency.queue",
      "Time from submission to the first admission",
      MetricSeries.times(Latency::queue)),
  /** Time from submission to the first token. */
  FIRST_TOKEN_TIME(
      "s3.latency.first_token",
      "Time from submission to the first token",
      MetricSeries.times(Latency::firstToken)),
  /** Mean time per token after the first, by request. */
  OUTPUT_TOKEN_TIME(
      "s3.latency.output_token",
      "Mean time per token after the first, by request",
      MetricSeries.times(Latency::perOutputToken)),
  /** Time from submission to the end of a whole answer. */
  TOTAL_TIME(
      "s3.latency.total",
      "Time from submission to the end of a whole answer",
      MetricSeries.times(Latency::total)),
  /** Requests accepted, by tenant. */
  TENANT_SUBMITTED(
      "s3.tenant.requests.submitted",
      "requests",
      "Requests accepted, by tenant",
      Kind.COUNTER,
      MetricSeries.ofTenants(Tenant::submitted)),
  /** Requests refused, by tenant. */
  TENANT_REFUSED(
      "s3.tenant.requests.refused",
      "requests",
      "Requests refused, by tenant",
      Kind.COUNTER,
      MetricSeries.refusalsOfTenants()),
  /** Prompt tokens of the requests accepted, by tenant. */
  TENANT_PROMPT_TOKENS(
      "s3.tenant.tokens.prompt",
      "tokens",
      "Prompt tokens of the requests accepted, by tenant",
      Kind.COUNTER,
      MetricSeries.ofTenants(Tenant::promptTokens)),
  /** Output tokens of the requests that ended, by tenant. */
  TENANT_OUTPUT_TOKENS(
      "s3.tenant.tokens.output",
      "tokens",
      "Output tokens of the requests that ended, by tenant",
      Kind.COUNTER,
      MetricSeries.ofTenants(Tenant::outputTokens)),
  /** Time from submission to the first admission, by tenant. */
  TENANT_QUEUE_TIME(
      "s3.tenant.latency.queue",
      "Time from submission to the first admission, by tenant",
      MetricSeries.timesOfTenants(Latency::queue)),
  /** Time from submission to the first token, by tenant. */
  TENANT_FIRST_TOKEN_TIME(
      "s3.tenant.latency.first_token",
      "Time from submission to the first token, by tenant",
      MetricSeries.timesOfTenants(Latency::firstToken)),
  /** Mean time per token after the first, by request, by tenant. */
  TENANT_OUTPUT_TOKEN_TIME(
      "s3.tenant.latency.output_token",
      "Mean time per token after the first, by request, by tenant",
      MetricSeries.timesOfTenants(Latency::perOutputToken)),
  /** Time from submission to the end of a whole answer, by tenant. */
  TENANT_TOTAL_TIME(
      "s3.tenant.latency.total",
      "Time from submission to the end of a whole answer, by tenant",
      MetricSeries.timesOfTenants(Latency::total));

  /** How the value of a metric changes. */
  public enum Kind {
    /** It rises and falls. */
    GAUGE,
    /** It only rises. */
    COUNTER,
    /** Durations, counted by size. */
    HISTOGRAM
  }

  private final String metricName;
  private final String unit;
  private final String description;
  private final Kind kind;

  @SuppressWarnings("ImmutableEnumChecker") // its lambdas have no state
  private final MetricSeries series;

  EngineMetric(
      String metricName,
      String unit,
      String description,
      Kind kind,
      ToDoubleFunction<EngineSnapshot> value) {
    this(metricName, unit, description, kind, MetricSeries.number(value));
  }

  EngineMetric(String metricName, String description, MetricSeries times) {
    this(metricName, "seconds", description, Kind.HISTOGRAM, times);
  }

  EngineMetric(String metricName, String unit, String description, Kind kind, MetricSeries series) {
    this.metricName = metricName;
    this.unit = unit;
    this.description = description;
    this.kind = kind;
    this.series = series;
  }

  /** Returns the name, in lower case with dots, such as {@code s3.kv.reserved}. */
  public String metricName() {
    return metricName;
  }

  /**
   * Returns the unit: the name of the counted things, {@code seconds}, or {@code 1} for ratios and
   * flags.
   */
  public String unit() {
    return unit;
  }

  /** Returns what the metric measures, in one line. */
  public String description() {
    return description;
  }

  /** Returns how the value changes. */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns the name of the label that tells the series of the metric apart: {@code reason} or
   * {@code tenant}. Empty if the metric has one series.
   */
  public Optional<String> label() {
    return series.label().isEmpty() ? Optional.empty() : Optional.of(series.label());
  }

  /**
   * Returns the value in a snapshot: the sum over all series, and for a histogram the number of
   * durations.
   *
   * @param snapshot any snapshot of an engine
   */
  public double read(EngineSnapshot snapshot) {
    return kind == Kind.HISTOGRAM
        ? histograms(snapshot).values().stream().mapToLong(Histogram::count).sum()
        : readSeries(snapshot).values().stream().mapToDouble(Double::doubleValue).sum();
  }

  /**
   * Returns the value of each series in a snapshot, by the value of the label; by the empty string
   * if there is no label. Empty for histograms.
   *
   * @param snapshot any snapshot of an engine
   */
  public Map<String, Double> readSeries(EngineSnapshot snapshot) {
    return series.numbers().apply(snapshot);
  }

  /**
   * Returns the histogram of each series in a snapshot, by the value of the label; by the empty
   * string if there is no label. Empty for gauges and counters.
   *
   * @param snapshot any snapshot of an engine
   */
  public Map<String, Histogram> histograms(EngineSnapshot snapshot) {
    return series.histograms().apply(snapshot);
  }

  /**
   * Returns all metrics in the text format of Prometheus, version 0.0.4. Dots in names become
   * underscores; counters end with {@code _total}, and histograms, in seconds, with {@code
   * _seconds}.
   *
   * @param snapshot any snapshot of an engine
   */
  public static String prometheusText(EngineSnapshot snapshot) {
    return PrometheusText.of(snapshot);
  }
}
