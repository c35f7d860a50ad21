package dev.s3llm.model.quant;

import java.util.Optional;

/**
 * The columns of a stored matrix that a part of it reads.
 *
 * @param from the first one
 * @param count number of columns, consecutive
 * @param stored columns of the whole matrix
 */
record StoredColumns(int from, int count, int stored) {

  /** Returns all columns of a matrix. */
  static StoredColumns all(int stored) {
    return new StoredColumns(0, stored, stored);
  }

  /** Returns columns {@code [from, to)} of these. */
  StoredColumns part(int from, int to) {
    return new StoredColumns(this.from + from, to - from, stored);
  }

  /**
   * Returns the order of the columns by groups; empty if no codes can be read: where groups differ
   * in size, and for a part of a matrix whose groups are not consecutive columns.
   *
   * @param groupOf group of each stored column
   * @param groupSize columns of a group; 0 for one group
   */
  Optional<ColumnOrder> order(int[] groupOf, int groupSize) {
    return ColumnOrder.of(groupOf, groupSize)
        .filter(found -> count == stored || found.columns().isEmpty());
  }
}
