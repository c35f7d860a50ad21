package dev.s3llm.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.observe.PrometheusReader.Sample;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PrometheusTextTest {
  private final Map<String, List<Sample>> families =
      PrometheusReader.read(EngineMetric.prometheusText(Snapshots.DISTINCT));

  @Test
  void everyMetric_isAFamilyOfItsKind() {
    assertThat(families).hasSize(EngineMetric.values().length);
    assertThat(families.keySet()).allMatch(name -> name.startsWith("s3_"));
    Arrays.stream(EngineMetric.values())
        .forEach(
            metric -> {
              String name = metric.metricName().replace('.', '_');
              switch (metric.kind()) {
                case GAUGE -> assertThat(families).containsKey(name);
                case COUNTER -> assertThat(families).containsKey(name + "_total");
                case HISTOGRAM -> assertThat(families).containsKey(name + "_seconds");
              }
            });
  }

  @Test
  void numbers_areThoseOfTheSnapshot() {
    assertThat(families.get("s3_kv_reserved")).containsExactly(new Sample("", Map.of(), 6));
    assertThat(families.get("s3_predictions_coverage_p90"))
        .containsExactly(new Sample("", Map.of(), 0.5));
    assertThat(families.get("s3_requests_refused_total"))
        .contains(new Sample("", Map.of("reason", "queue_full"), 40));
  }

  @Test
  void bucketsOfAHistogram_areCumulative() {
    assertThat(families.get("s3_latency_queue_seconds"))
        .containsExactly(
            new Sample("_bucket", Map.of("le", "0.005"), 7),
            new Sample("_bucket", Map.of("le", "2.0"), 997),
            new Sample("_bucket", Map.of("le", "+Inf"), 1000),
            new Sample("_sum", Map.of(), 1500),
            new Sample("_count", Map.of(), 1000));
  }

  @Test
  void nameOfATenant_isEscaped() {
    assertThat(families.get("s3_tenant_tokens_prompt_total"))
        .containsExactly(
            new Sample("", Map.of("tenant", "a"), 33),
            new Sample("", Map.of("tenant", "b \"\\\n"), 500));
    assertThat(families.get("s3_tenant_latency_total_seconds"))
        .contains(new Sample("_count", Map.of("tenant", "b \"\\\n"), 3003));
  }
}
