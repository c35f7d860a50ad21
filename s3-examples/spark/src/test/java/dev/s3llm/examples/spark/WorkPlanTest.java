package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class WorkPlanTest {

  @Property(tries = 300)
  void everyRow_goesToThePartitionThatCountsIt(
      @ForAll @Size(max = 200) List<@IntRange(max = 50) Integer> works,
      @ForAll @IntRange(min = 1, max = 20) int partitions) {
    WorkPlan plan = WorkPlan.longestFirst(counts(works), partitions);

    long[] placed = new long[partitions];
    counts(works)
        .forEach(
            (work, rows) -> {
              for (long rank = 0; rank < rows; rank++) {
                placed[plan.partition(work, rank)] += work;
              }
            });

    assertThat(placed).containsExactly(plan.loads());
  }

  @Property(tries = 300)
  void fullestPartition_exceedsNoSplitByMoreThanGrahamsBound(
      @ForAll @Size(min = 1, max = 200) List<@IntRange(min = 1, max = 1000) Integer> works,
      @ForAll @IntRange(min = 1, max = 20) int partitions) {
    long fullest = max(WorkPlan.longestFirst(counts(works), partitions).loads());

    double bound = 4.0 / 3 - 1.0 / (3.0 * partitions);
    assertThat((double) fullest).isLessThanOrEqualTo(bound * max(evenly(works, partitions)) + 1e-9);
    double mean = works.stream().mapToLong(Integer::longValue).sum() / (double) partitions;
    int longest = works.stream().mapToInt(Integer::intValue).max().orElse(0);
    assertThat((double) fullest).isLessThanOrEqualTo(mean + longest);
  }

  @Test
  void manyRows_areSpreadUntilNoneIsLeftOver() {
    WorkPlan plan = WorkPlan.longestFirst(Map.of(7, 300_000L, 3, 700_000L), 10);

    assertThat(plan.loads()).containsOnly(420_000L);
  }

  @Test
  void rowsWithoutWork_areSpreadByNumber() {
    WorkPlan plan = WorkPlan.longestFirst(Map.of(0, 8L), 4);

    long[] rows = new long[4];
    for (int rank = 0; rank < 8; rank++) {
      rows[plan.partition(0, rank)]++;
    }
    assertThat(rows).containsOnly(2);
  }

  @Test
  void rowThatWasNotCounted_isRefused() {
    WorkPlan plan = WorkPlan.longestFirst(Map.of(5, 2L), 3);

    assertThatThrownBy(() -> plan.partition(5, 2)).hasMessageContaining("row 2 of work 5");
    assertThatThrownBy(() -> plan.partition(6, 0)).hasMessageContaining("row 0 of work 6");
  }

  private static Map<Integer, Long> counts(List<Integer> works) {
    Map<Integer, Long> counts = new HashMap<>();
    works.forEach(work -> counts.merge(work, 1L, Long::sum));
    return counts;
  }

  private static long[] evenly(List<Integer> works, int partitions) {
    long[] loads = new long[partitions];
    for (int i = 0; i < works.size(); i++) {
      loads[(int) ((long) i * partitions / works.size())] += works.get(i);
    }
    return loads;
  }

  private static long max(long[] loads) {
    return Arrays.stream(loads).max().orElse(0);
  }
}
