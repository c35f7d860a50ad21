package dev.s3llm.examples.spark;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Assigns rows to partitions by longest processing time first: in descending order of work, each
 * row goes to the partition with the least work so far (Graham, 1969: the fullest of m partitions
 * has at most 4/3 - 1/(3m) times the work of the best assignment).
 *
 * <p>Rows of equal work are interchangeable, so the plan only counts them. Its size depends on the
 * number of distinct works and partitions, not on the number of rows. Immutable.
 */
final class WorkPlan implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The distinct amounts of work, ascending. */
  private final int[] works;

  /** {@code upTo[i][p]}: the number of rows of work {@code works[i]} in partitions 0 to p. */
  private final long[][] upTo;

  private final long[] loads;

  private WorkPlan(int[] works, long[][] upTo, long[] loads) {
    this.works = works;
    this.upTo = upTo;
    this.loads = loads;
  }

  /**
   * Assigns all rows.
   *
   * @param rowsByWork the number of rows for each amount of work, which is not negative
   * @param partitions the number of partitions, at least 1
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
   * Returns the partition of a row.
   *
   * @param work the work of the row
   * @param rank its index among the rows of equal work, from 0
   * @throws IllegalArgumentException if the plan has no such row
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

  /** Returns the planned work of each partition; a copy. */
  long[] loads() {
    return loads.clone();
  }

  private record Load(long work, long rows, int partition) implements Comparable<Load> {
    Load plus(int more) {
      return new Load(work + more, rows + 1, partition);
    }

    /** Compares work, then rows, so that rows without work are distributed as well. */
    @Override
    public int compareTo(Load other) {
      int byWork = Long.compare(work, other.work);
      int byRows = byWork != 0 ? byWork : Long.compare(rows, other.rows);
      return byRows != 0 ? byRows : Integer.compare(partition, other.partition);
    }
  }
}
