package dev.s3llm.examples.spark;

import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.jspecify.annotations.Nullable;

/** Copies rows with changed values. */
final class Rows {
  private Rows() {}

  /** Returns a row with further values at its end. */
  static Row append(Row row, Object... more) {
    @Nullable Object[] values = values(row, more.length);
    System.arraycopy(more, 0, values, row.size(), more.length);
    return RowFactory.create(values);
  }

  /** Returns a row with another value in one column. */
  static Row with(Row row, String column, Object value) {
    @Nullable Object[] values = values(row, 0);
    values[row.fieldIndex(column)] = value;
    return RowFactory.create(values);
  }

  private static @Nullable Object[] values(Row row, int room) {
    @Nullable Object[] values = new @Nullable Object[row.size() + room];
    for (int i = 0; i < row.size(); i++) {
      values[i] = row.get(i);
    }
    return values;
  }
}
