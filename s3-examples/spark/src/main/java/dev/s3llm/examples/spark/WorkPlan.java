package dev.s3llm.examples.spark;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Which partition each row goes to, by longest processing time first: rows in descending order of
 * work, each to the partition that has least so far (Graham, 1969: the fullest partition has at
 * most 4/3 - 1/(3m) times the least possible for m partitions).
 *
 * <p>Rows of equal work are interchangeable, so the plan counts them instead of naming them: it
 * holds one number for each distinct work and partition, however many rows there are. Immutable.
 */
final class WorkPlan implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Distinct works, ascending. */
  private final int[] works;

  /** {@code upTo[i][p]}: how many rows of work {@code works[i]} go to partitions up to p. */
  private final long[][] upTo;

  private final long[] loads;

  private WorkPlan(int[] works, long[][] upTo, long[] loads) {
    this.works = works;
    this.upTo = upTo;
    this.loads = loads;
  }

  /**
   * Plans.
   *
   * @param rowsByWork how many rows there are of each work, which is not negative
   * @param partitions at least 1
   */
  static WorkPlan longestFirst(Map<Integer, Long> rowsByWork, int partitions) {
    int[] works = rowsByWork.keySet().stream().mapToInt(Integer::intValue).sorted().toArray();
    long[][] counts = new long[works.length][partitions];
    PriorityQueue<Load> emptiest = new PriorityQueue<>();
    for (int p = 0; p < partitions; p++) {
      emptiest.add(new Load(0, 0, p));
    }
    for (int i = works.length - 1; i >= 0; i--) {
      for (long left = rowsByWork.getOrDefault(works[i], 0L); left > 0; left--) {
        Load load = emptiest.remove();
        counts[i][load.partition]++;
        emptiest.add(load.plus(works[i]));
      }
    }
    long[] loads = new long[partitions];
    emptiest.forEach(load -> loads[load.partition] = load.work);
    for (long[] row : counts) {
      Arrays.parallelPrefix(row, Long::sum);
    }
    return new WorkPlan(works, counts, loads);
  }

  /**
   * Where a row goes.
   *
   * @param work the row's
   * @param rank its place among the rows of equal work, from 0
   */
  int partition(int work, long rank) {
    int i = Arrays.binarySearch(works, work);
    if (i < 0 || rank < 0 || rank >= upTo[i][upTo[i].length - 1]) {
      throw new IllegalArgumentException(
          "row %d of work %d was not there when partitions were planned".formatted(rank, work));
    }
    int found = Arrays.binarySearch(upTo[i], rank + 1);
    if (found < 0) {
      return -found - 1;
    }
    while (found > 0 && upTo[i][found - 1] == rank + 1) {
      found--;
    }
    return found;
  }

  /** Planned work of each partition; a copy. */
  long[] loads() {
    return loads.clone();
  }

  private record Load(long work, long rows, int partition) implements Comparable<Load> {
    Load plus(int more) {
      return new Load(work + more, rows + 1, partition);
    }

    /** Rows second, so that rows without work spread too. */
    @Override
    public int compareTo(Load other) {
      int byWork = Long.compare(work, other.work);
      int byRows = byWork != 0 ? byWork : Long.compare(rows, other.rows);
      return byRows != 0 ? byRows : Integer.compare(partition, other.partition);
    }
  }
}
