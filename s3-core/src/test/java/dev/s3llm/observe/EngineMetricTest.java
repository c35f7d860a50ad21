package dev.s3llm.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class EngineMetricTest {
  private static final EngineSnapshot DISTINCT =
      new EngineSnapshot(
          Health.OK, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
          24, 25, 0.5);

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
}
