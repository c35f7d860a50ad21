package dev.s3llm.observe;

import static dev.s3llm.observe.Snapshots.DISTINCT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.observe.EngineSnapshot.Histogram;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EngineMetricTest {
  @Test
  void names_areUniqueAndOfOneStyle() {
    assertThat(EngineMetric.values())
        .extracting(EngineMetric::metricName)
        .doesNotHaveDuplicates()
        .allMatch(name -> name.matches("s3(\\.[a-z0-9_]+)+"));
  }

  @Test
  void eachMetric_readsItsOwnField() {
    double[] values =
        Arrays.stream(EngineMetric.values()).mapToDouble(m -> m.read(DISTINCT)).toArray();
    assertThat(values).doesNotHaveDuplicates().contains(1, 0.5);
    assertThat(EngineMetric.KV_RESERVED.read(DISTINCT)).isEqualTo(6);
    assertThat(EngineMetric.OUTPUT_TOKENS.read(DISTINCT)).isEqualTo(17);
    assertThat(EngineMetric.DROPPED_EVENTS.read(DISTINCT)).isEqualTo(25);
  }

  @Test
  void metricWithALabel_hasASeriesForEachValue() {
    assertThat(EngineMetric.PREEMPTIONS.label()).contains("reason");
    assertThat(EngineMetric.PREEMPTIONS.readSeries(DISTINCT))
        .containsOnly(
            Map.entry("outgrown", 50.0),
            Map.entry("reclaimed", 100.0),
            Map.entry("displaced", 200.0));
    assertThat(EngineMetric.REFUSED.readSeries(DISTINCT))
        .containsEntry("queue_full", 40.0)
        .containsEntry("invalid_request", 0.0);
    assertThat(EngineMetric.TENANT_SUBMITTED.readSeries(DISTINCT))
        .containsOnly(Map.entry("a", 32.0), Map.entry("b \"\\\n", 400.0));
    assertThat(EngineMetric.STEPS.label()).isEmpty();
    assertThat(EngineMetric.STEPS.readSeries(DISTINCT)).containsOnly(Map.entry("", 16.0));
  }

  @Test
  void histogramWithoutABucketForTheRest_isRefused() {
    List<Duration> bounds = List.of(Duration.ofMillis(1));
    assertThatThrownBy(() -> new Histogram(bounds, List.of(1L), Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("1 bounds need 2 counts, but there are 1");
  }
}
