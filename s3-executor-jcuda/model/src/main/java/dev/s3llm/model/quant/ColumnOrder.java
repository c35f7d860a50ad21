package dev.s3llm.model.quant;

import java.util.Optional;

/**
 * The columns of a matrix by their groups, where a tensor names the group of each column: GPTQ with
 * {@code desc_act}, which quantises the columns with the largest activations first.
 */
final class ColumnOrder {
  private final int[] columns;
  private final boolean natural;

  private ColumnOrder(int[] columns, boolean natural) {
    this.columns = columns;
    this.natural = natural;
  }

  /**
   * Sorts columns by their groups; those of a group keep their order.
   *
   * @param groupOf group of each column, see {@link Numbers#groups(int)}
   * @param groupSize columns of a group; 0 for one group
   * @return empty if a group but the last has more or fewer columns
   */
  static Optional<ColumnOrder> of(int[] groupOf, int groupSize) {
    int[] regular = Numbers.groups(groupOf.length, groupSize);
    int[] next = new int[groupOf.length + 1];
    for (int group : groupOf) {
      next[group + 1]++;
    }
    for (int group = 1; group < next.length; group++) {
      next[group] += next[group - 1];
    }
    int[] columns = new int[groupOf.length];
    boolean natural = true;
    for (int column = 0; column < columns.length; column++) {
      int at = next[groupOf[column]]++;
      columns[at] = column;
      natural &= at == column;
    }
    for (int i = 0; i < columns.length; i++) {
      if (groupOf[columns[i]] != regular[i]) {
        return Optional.empty();
      }
    }
    return Optional.of(new ColumnOrder(columns, natural));
  }

  /** Returns the columns in the order of their groups; empty where that is their own order. */
  Optional<int[]> columns() {
    return natural ? Optional.empty() : Optional.of(columns);
  }

  /** Brings the codes of rows, {@code [rows][columns]}, into the order of the groups. */
  void sort(byte[] codes, int rows) {
    if (natural) {
      return;
    }
    byte[] row = new byte[columns.length];
    for (int first = 0; first < rows * row.length; first += row.length) {
      System.arraycopy(codes, first, row, 0, row.length);
      for (int i = 0; i < row.length; i++) {
        codes[first + i] = row[columns[i]];
      }
    }
  }
}
