package dev.s3llm.observe;

import java.util.function.ToDoubleFunction;

/**
 * The engine's metrics, with name, unit, meaning, and the way to read each from a snapshot. A
 * binding to a metrics library is a loop over {@link #values}. Immutable and thread-safe.
 *
 * <pre>{@code
 * for (EngineMetric metric : EngineMetric.values()) {
 *   registry.register(metric.metricName(), () -> metric.read(engine.snapshot()));
 * }
 * }</pre>
 */
public enum EngineMetric {
  /** 1 if the engine makes progress, else 0. */
  HEALTHY("s3.engine.healthy", "1", Kind.GAUGE, s -> s.healthy() ? 1 : 0),
  /** Requests whose prediction is pending. */
  PREDICTING("s3.requests.predicting", "requests", Kind.GAUGE, s -> s.requests().predicting()),
  /** Requests that wait for memory, preempted ones included. */
  WAITING("s3.requests.waiting", "requests", Kind.GAUGE, s -> s.requests().waiting()),
  /** Requests that hold KV memory. */
  RUNNING("s3.requests.running", "requests", Kind.GAUGE, s -> s.requests().running()),
  /** Requests accepted. */
  SUBMITTED("s3.requests.submitted", "requests", Kind.COUNTER, s -> s.requests().submitted()),
  /** Requests that ended at a stop token. */
  STOPPED("s3.requests.stopped", "requests", Kind.COUNTER, s -> s.requests().ended().stopped()),
  /** Requests that ended at their output limit. */
  CUT_AT_LIMIT("s3.requests.cut", "requests", Kind.COUNTER, s -> s.requests().ended().cutAtLimit()),
  /** Requests cancelled. */
  CANCELLED(
      "s3.requests.cancelled", "requests", Kind.COUNTER, s -> s.requests().ended().cancelled()),
  /** Requests whose deadline passed. */
  TIMED_OUT(
      "s3.requests.timed_out", "requests", Kind.COUNTER, s -> s.requests().ended().timedOut()),
  /** Requests that failed. */
  FAILED("s3.requests.failed", "requests", Kind.COUNTER, s -> s.requests().ended().failed()),
  /** KV blocks on the device. */
  KV_CAPACITY("s3.kv.capacity", "blocks", Kind.GAUGE, s -> s.memory().capacityBlocks()),
  /** KV blocks that hold tokens or are reserved. */
  KV_RESERVED("s3.kv.reserved", "blocks", Kind.GAUGE, s -> s.memory().reservedBlocks()),
  /** KV blocks that hold tokens. */
  KV_ALLOCATED("s3.kv.allocated", "blocks", Kind.GAUGE, s -> s.memory().allocatedBlocks()),
  /** Host blocks that hold swapped tokens. */
  KV_SWAPPED("s3.kv.swapped", "blocks", Kind.GAUGE, s -> s.memory().hostAllocatedBlocks()),
  /** Steps launched. */
  STEPS("s3.steps", "steps", Kind.COUNTER, s -> s.work().steps()),
  /** Output tokens generated. */
  OUTPUT_TOKENS("s3.tokens.output", "tokens", Kind.COUNTER, s -> s.work().outputTokens()),
  /** Tokens whose KV was dropped by a preemption, or whose copy to host memory failed. */
  RECOMPUTED_TOKENS(
      "s3.tokens.recomputed", "tokens", Kind.COUNTER, s -> s.work().recomputedTokens()),
  /** Tokens whose KV a preemption copied to host memory. */
  SWAPPED_TOKENS("s3.tokens.swapped", "tokens", Kind.COUNTER, s -> s.work().swappedTokens()),
  /** Preemptions. */
  PREEMPTIONS("s3.preemptions", "preemptions", Kind.COUNTER, s -> s.work().preemptions()),
  /** Times that a sequence needed more than its reservation. */
  OUTGROWN("s3.predictions.outgrown", "sequences", Kind.COUNTER, s -> s.predictions().outgrown()),
  /** Predictions, and repeated predictions, that failed or were late. */
  PREDICTOR_FALLBACKS(
      "s3.predictions.fallbacks", "predictions", Kind.COUNTER, s -> s.predictions().fallbacks()),
  /** Share of complete answers within their predicted 90th percentile; NaN before the first. */
  COVERAGE_P90(
      "s3.predictions.coverage_p90", "1", Kind.GAUGE, s -> s.predictions().coverageOfP90()),
  /** Step completions that were ignored because they matched no step in flight. */
  IGNORED_COMPLETIONS(
      "s3.steps.ignored_completions",
      "completions",
      Kind.COUNTER,
      s -> s.faults().ignoredCompletions()),
  /** Exceptions thrown by subscribers, other callbacks and listeners. */
  CALLBACK_FAILURES(
      "s3.callbacks.failures", "exceptions", Kind.COUNTER, s -> s.faults().callbackFailures()),
  /** Events that were dropped because listeners were too slow. */
  DROPPED_EVENTS("s3.events.dropped", "events", Kind.COUNTER, s -> s.faults().droppedEvents());

  /** How the value of a metric changes. */
  public enum Kind {
    /** It rises and falls. */
    GAUGE,
    /** It only rises. */
    COUNTER
  }

  private final String metricName;
  private final String unit;
  private final Kind kind;

  @SuppressWarnings("ImmutableEnumChecker") // the lambdas above have no state
  private final ToDoubleFunction<EngineSnapshot> reader;

  EngineMetric(String metricName, String unit, Kind kind, ToDoubleFunction<EngineSnapshot> reader) {
    this.metricName = metricName;
    this.unit = unit;
    this.kind = kind;
    this.reader = reader;
  }

  /** Returns the name, in lower case with dots, such as {@code s3.kv.reserved}. */
  public String metricName() {
    return metricName;
  }

  /** Returns the unit: the name of the counted things, or {@code 1} for ratios and flags. */
  public String unit() {
    return unit;
  }

  /** Returns how the value changes. */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns the value in a snapshot.
   *
   * @param snapshot any snapshot of an engine
   */
  public double read(EngineSnapshot snapshot) {
    return reader.applyAsDouble(snapshot);
  }
}
