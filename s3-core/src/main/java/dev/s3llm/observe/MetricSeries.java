package dev.s3llm.observe;

import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.observe.EngineSnapshot.Histogram;
import dev.s3llm.observe.EngineSnapshot.Latency;
import dev.s3llm.observe.EngineSnapshot.Preempted;
import dev.s3llm.observe.EngineSnapshot.Tenant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * The series of a metric: one, or one for each value of a label. Immutable.
 *
 * @param label name of the label; empty if there is one series
 * @param numbers reads the value of each series; empty for histograms
 * @param histograms reads the histogram of each series; empty for numbers
 */
record MetricSeries(
    String label,
    Function<EngineSnapshot, Map<String, Double>> numbers,
    Function<EngineSnapshot, Map<String, Histogram>> histograms) {
  private static final String TENANT = "tenant";

  /** Returns a single series of numbers. */
  static MetricSeries number(ToDoubleFunction<EngineSnapshot> value) {
    return new MetricSeries("", s -> Map.of("", value.applyAsDouble(s)), s -> Map.of());
  }

  /** Returns a single histogram. */
  static MetricSeries times(Function<Latency, Histogram> times) {
    return new MetricSeries("", s -> Map.of(), s -> Map.of("", times.apply(s.latency())));
  }

  /** Returns a number for each tenant. */
  static MetricSeries ofTenants(ToDoubleFunction<Tenant> value) {
    return new MetricSeries(TENANT, s -> mapped(s.tenants(), value::applyAsDouble), s -> Map.of());
  }

  /** Returns a histogram for each tenant. */
  static MetricSeries timesOfTenants(Function<Latency, Histogram> times) {
    return new MetricSeries(
        TENANT, s -> Map.of(), s -> mapped(s.tenants(), tenant -> times.apply(tenant.latency())));
  }

  /** Returns the refusals of each tenant. */
  static MetricSeries refusalsOfTenants() {
    return new MetricSeries(
        TENANT, s -> mapped(s.requests().refused().byTenant(), Long::doubleValue), s -> Map.of());
  }

  /** Returns the refusals for each reason, those that did not occur included. */
  static MetricSeries refusals() {
    return new MetricSeries("reason", MetricSeries::refusals, s -> Map.of());
  }

  private static Map<String, Double> refusals(EngineSnapshot snapshot) {
    Map<Reason, Long> counts = snapshot.requests().refused().byReason();
    Map<String, Double> series = new LinkedHashMap<>();
    for (Reason reason : Reason.values()) {
      String name = reason.name().toLowerCase(Locale.ROOT);
      series.put(name, counts.getOrDefault(reason, 0L).doubleValue());
    }
    return series;
  }

  /** Returns the preemptions for each reason. */
  static MetricSeries preemptions() {
    return new MetricSeries("reason", MetricSeries::preemptions, s -> Map.of());
  }

  private static Map<String, Double> preemptions(EngineSnapshot snapshot) {
    Preempted preempted = snapshot.work().preempted();
    Map<String, Double> series = new LinkedHashMap<>();
    series.put("outgrown", (double) preempted.outgrown());
    series.put("reclaimed", (double) preempted.reclaimed());
    series.put("displaced", (double) preempted.displaced());
    return series;
  }

  private static <T, R> Map<String, R> mapped(Map<String, T> values, Function<T, R> reader) {
    Map<String, R> series = new TreeMap<>();
    values.forEach((name, value) -> series.put(name, reader.apply(value)));
    return series;
  }
}
