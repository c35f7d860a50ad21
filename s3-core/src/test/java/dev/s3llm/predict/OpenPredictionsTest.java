package dev.s3llm.predict;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OpenPredictionsTest {
  private static final LengthPrediction SHORT = LengthPrediction.exactly(5);
  private static final LengthPrediction LONG = LengthPrediction.exactly(500);

  private final OpenPredictions open = new OpenPredictions();

  @Test
  void endedQueries_areRemoved() {
    open.add(query("a"), SHORT);
    assertThat(open.end(query("a"))).isEqualTo(SHORT);
    assertThat(open.end(query("a"))).isNull();
    assertThat(open.size()).isZero();
  }

  @Test
  void equalQueries_endAsOftenAsTheyWereAdded() {
    open.add(query("a"), SHORT);
    open.add(query("a"), LONG);
    assertThat(open.end(query("a"))).isEqualTo(LONG);
    assertThat(open.end(query("a"))).isEqualTo(LONG);
    assertThat(open.end(query("a"))).isNull();
  }

  @Test
  void refresh_replacesPredictionsOfOpenQueriesOnly() {
    open.add(query("a"), SHORT);
    open.refresh(query("a"), LONG);
    open.refresh(query("b"), LONG);
    assertThat(open.get(query("a"))).isEqualTo(LONG);
    assertThat(open.get(query("b"))).isNull();
  }

  @Test
  void oldestQueries_areRemovedBeyondTheBounds() {
    for (int i = 0; i < 20_000; i++) {
      open.add(new LengthQuery(1 + i, null, null, 0, 10), SHORT);
    }
    assertThat(open.size()).isEqualTo(1 << 14);
    for (int i = 0; i < 20; i++) {
      open.add(query(i + "x".repeat(1 << 20)), SHORT);
    }
    assertThat(open.size()).isLessThan(17);
    assertThat(open.get(query(19 + "x".repeat(1 << 20)))).isNotNull();
  }

  private static LengthQuery query(String prompt) {
    return new LengthQuery(1, prompt, null, 0, 10);
  }
}
