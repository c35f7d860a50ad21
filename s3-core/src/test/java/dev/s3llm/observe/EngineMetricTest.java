package dev.s3llm.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class EngineMetricTest {
  private static final EngineSnapshot DISTINCT =
      new EngineSnapshot(
          Health.OK,
          new EngineSnapshot.Requests(3, 2, 4, 10, new EngineSnapshot.Ended(11, 12, 13, 14, 15)),
          new EngineSnapshot.Memory(5, 6, 7, 8, 9),
          new EngineSnapshot.Work(16, 17, 18, 19, 20),
          new EngineSnapshot.Predictions(21, 22, 0.5),
          new EngineSnapshot.Faults(23, 24, 25));

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
