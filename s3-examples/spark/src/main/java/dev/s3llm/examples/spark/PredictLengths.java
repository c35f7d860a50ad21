package dev.s3llm.examples.spark;

import dev.s3llm.text.ChatTemplateException;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;

/**
 * The first pass. Adds to each row the tokens of its prompt, the predicted tokens of its answer,
 * and their sum, the work. Adds an error if the prompt cannot be encoded.
 */
final class PredictLengths implements MapPartitionsFunction<Row, Row> {
  private static final long serialVersionUID = 1L;

  /** Predictions in flight. Those that are requested while one batch runs form the next batch. */
  private static final int AHEAD = 64;

  private final ModelChoice model;
  private final int jobLimit;
  private final int threads;

  PredictLengths(ModelChoice model, int jobLimit, int threads) {
    this.model = model;
    this.jobLimit = jobLimit;
    this.threads = threads;
  }

  /** Returns the columns after the pass. */
  static StructType schema(StructType before) {
    return before
        .add(Columns.PROMPT_TOKENS, DataTypes.IntegerType)
        .add(Columns.PREDICTED_TOKENS, DataTypes.IntegerType)
        .add(Columns.WORK, DataTypes.IntegerType, false);
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    PerExecutor<PromptSizer.Key, PromptSizer>.Lease sizer = PromptSizer.lease(model, threads);
    TaskCompletionListener end = task -> sizer.close();
    TaskContext.get().addTaskCompletionListener(end);
    return new SizedRows(rows, sizer.thing(), jobLimit);
  }

  /** Returns the rows in their order, and keeps predictions of later rows in flight. */
  static final class SizedRows implements Iterator<Row> {
    private final Iterator<Row> rows;
    private final PromptSizer sizer;
    private final int jobLimit;
    private final Queue<Pending> pending = new ArrayDeque<>();

    SizedRows(Iterator<Row> rows, PromptSizer sizer, int jobLimit) {
      this.rows = rows;
      this.sizer = sizer;
      this.jobLimit = jobLimit;
    }

    @Override
    public boolean hasNext() {
      return !pending.isEmpty() || rows.hasNext();
    }

    @Override
    public Row next() {
      while (pending.size() < AHEAD && rows.hasNext()) {
        pending.add(predict(rows.next()));
      }
      Pending first = pending.poll();
      if (first == null) {
        throw new NoSuchElementException();
      }
      return first.row();
    }

    private Pending predict(Row row) {
      if (!row.isNullAt(row.fieldIndex(Columns.ERROR))) {
        return new Pending(row, null, null);
      }
      int own = row.fieldIndex(Columns.MAX_NEW_TOKENS);
      try {
        String prompt = row.getString(row.fieldIndex(Columns.PROMPT));
        int ownLimit = row.isNullAt(own) ? 0 : row.getInt(own);
        return new Pending(row, sizer.size(prompt, ownLimit, jobLimit), null);
      } catch (IllegalArgumentException | ChatTemplateException e) {
        // One bad prompt must not end the job. All other failures fail the task, because Spark then
        // runs it again, whereas a row with an error in the output is not tried again.
        return new Pending(row, null, "refused: " + e.getMessage());
      }
    }
  }

  private record Pending(
      Row before, @Nullable CompletableFuture<PromptSizer.Sizes> sizes, @Nullable String refusal) {

    Row row() {
      if (refusal != null) {
        return Rows.append(Rows.with(before, Columns.ERROR, refusal), 0, 0, 0);
      }
      if (sizes == null) {
        return Rows.append(before, 0, 0, 0);
      }
      PromptSizer.Sizes found = join(sizes);
      int prompt = found.promptTokens();
      int answer = found.predictedTokens();
      return Rows.append(before, prompt, answer, prompt + answer);
    }

    private static PromptSizer.Sizes join(CompletableFuture<PromptSizer.Sizes> sizes) {
      try {
        return sizes.join();
      } catch (CompletionException e) {
        throw new IllegalStateException("lengths cannot be predicted", e.getCause());
      }
    }
  }
}
