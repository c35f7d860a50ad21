package dev.s3llm.examples.spark;

import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.jspecify.annotations.Nullable;

/**
 * A row of the second pass.
 *
 * @param id the row's id; null if it has none
 * @param copy 1 for the first row with the id, more for its duplicates
 * @param prompt the prompt; null if the row has none
 * @param maxNewTokens the row's own output limit in tokens; 0 for none
 * @param promptTokens tokens of the prompt
 * @param predictedTokens predicted tokens of the answer
 * @param error why the row cannot be answered; null if it can
 */
record PlacedRow(
    @Nullable String id,
    int copy,
    @Nullable String prompt,
    int maxNewTokens,
    int promptTokens,
    int predictedTokens,
    @Nullable String error) {

  static PlacedRow of(Row row) {
    return new PlacedRow(
        row.getAs(Columns.ID),
        intAt(row, Columns.COPY),
        row.getAs(Columns.PROMPT),
        intAt(row, Columns.MAX_NEW_TOKENS),
        intAt(row, Columns.PROMPT_TOKENS),
        intAt(row, Columns.PREDICTED_TOKENS),
        row.getAs(Columns.ERROR));
  }

  private static int intAt(Row row, String column) {
    int i = row.fieldIndex(column);
    return row.isNullAt(i) ? 0 : row.getInt(i);
  }

  /** Returns the output row with an answer. */
  Row answered(String text, int outputTokens, String finishReason, int attempt) {
    return output(text, outputTokens, finishReason, null, attempt);
  }

  /** Returns the output row with an error. */
  Row failed(String reason, int attempt) {
    return output(null, 0, null, reason, attempt);
  }

  private Row output(
      @Nullable String text,
      int outputTokens,
      @Nullable String finishReason,
      @Nullable String reason,
      int attempt) {
    return RowFactory.create(
        id,
        copy,
        prompt,
        text,
        promptTokens,
        outputTokens,
        predictedTokens,
        finishReason,
        reason,
        attempt);
  }
}
