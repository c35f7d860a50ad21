package dev.s3llm.examples.spark;

import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/** The second pass: a task answers the rows of one partition with the engine of its executor. */
final class GeneratePartition implements MapPartitionsFunction<Row, Row> {
  private static final long serialVersionUID = 1L;

  private final EngineSettings settings;
  private final int jobLimit;
  private final int inFlight;

  GeneratePartition(EngineSettings settings, int jobLimit, int inFlight) {
    this.settings = settings;
    this.jobLimit = jobLimit;
    this.inFlight = inFlight;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    if (!rows.hasNext()) {
      return rows; // an empty partition needs no engine
    }
    TaskContext task = TaskContext.get();
    PerExecutor<ExecutorEngine.Key, ExecutorEngine>.Lease engine =
        ExecutorEngine.lease(settings, task);
    GeneratedRows generated =
        new GeneratedRows(
            rows,
            engine.thing().generator(),
            settings.model().chat(),
            jobLimit,
            inFlight,
            1 + task.stageAttemptNumber() + task.attemptNumber(),
            task::isInterrupted);
    TaskCompletionListener end =
        ended -> {
          generated.close();
          if (generated.engineLost()) {
            engine.discard();
          }
          engine.close();
        };
    task.addTaskCompletionListener(end);
    return generated;
  }
}
