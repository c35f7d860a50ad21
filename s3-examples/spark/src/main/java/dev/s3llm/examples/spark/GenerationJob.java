package dev.s3llm.examples.spark;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.udf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;

/**
 * Answers the rows of a data set that the output lacks.
 *
 * <ol>
 *   <li>Read and check the input, and drop the rows that the output contains.
 *   <li>First pass: predict lengths, and write them to a checkpoint. Without it, Spark would
 *       predict again the rows of a lost executor. A row with another prediction could move to
 *       another partition, and be lost or answered twice.
 *   <li>Plan the partitions from the number of rows for each amount of work ({@link WorkPlan}).
 *   <li>Second pass: run one task for each partition, with its longest rows first, so that the
 *       batch does not end with one long row.
 * </ol>
 *
 * <p>A task's rows are committed together when it ends, in a file of their own, and stay in the
 * output even if the job fails. Another attempt of the task writes a file of the same name. Two
 * jobs must not write to one output at the same time.
 */
final class GenerationJob {
  /** A folder in the output, which readers skip because of the underscore. */
  private static final String CHECKPOINT = "_s3_checkpoint";

  private static final String PARTITION = "partition";
  private static final String RANK = "rank";

  private final SparkSession spark;
  private final JobOptions options;
  private final OutputRows output;

  GenerationJob(SparkSession spark, JobOptions options) {
    this.spark = spark;
    this.options = options;
    this.output = new OutputRows(spark, options.output());
  }

  /**
   * Runs the job. Fails like any Spark job if the output has another prompt for a row of the input.
   *
   * @return what the job did
   * @throws IllegalArgumentException if the input lacks a column, or the output is of another
   *     format
   */
  JobReport run() {
    long start = System.nanoTime();
    JobReport.Totals before = output.totals();
    TaskTimes times = new TaskTimes();
    spark.sparkContext().addSparkListener(times);
    try {
      Dataset<Row> sized = checkpoint(sized());
      double passSeconds = seconds(start);
      long generating = System.nanoTime();
      Dataset<Row> placed = placed(sized);
      times.measure(spark.sparkContext(), () -> output.append(generated(placed)));
      JobReport.Totals after = output.totals();
      return JobReport.of(before, after, passSeconds, seconds(generating), times.millis());
    } finally {
      spark.sparkContext().removeSparkListener(times);
      delete(new Path(options.output().path(), CHECKPOINT));
    }
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  private Dataset<Row> sized() {
    Dataset<Row> input = InputRows.read(spark, options.input());
    Dataset<Row> pending = output.missing(input);
    PredictLengths pass =
        new PredictLengths(
            options.engine().model(),
            options.maxNewTokens(),
            Math.max(1, options.engine().threads()));
    return pending.mapPartitions(pass, Encoders.row(PredictLengths.schema(pending.schema())));
  }

  private Dataset<Row> checkpoint(Dataset<Row> rows) {
    spark.sparkContext().setCheckpointDir(new Path(options.output().path(), CHECKPOINT).toString());
    return rows.checkpoint();
  }

  /** Moves the rows to their partitions. */
  private Dataset<Row> placed(Dataset<Row> sized) {
    Dataset<Row> ranked =
        options.balance() == Balance.PREDICTED ? byPredictedWork(sized) : evenly(sized);
    return ranked.repartitionById(options.partitions(), col(PARTITION));
  }

  private Dataset<Row> byPredictedWork(Dataset<Row> sized) {
    Map<Integer, Long> rowsByWork = new HashMap<>();
    for (Row row : sized.groupBy(Columns.WORK).count().collectAsList()) {
      rowsByWork.put(row.getInt(0), row.getLong(1));
    }
    Broadcast<WorkPlan> plan =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .broadcast(WorkPlan.longestFirst(rowsByWork, options.partitions()));
    UDF2<Integer, Integer, Integer> partition =
        (work, rank) -> plan.value().partition(work, rank - 1);
    Column rank =
        row_number().over(Window.partitionBy(Columns.WORK).orderBy(col(Columns.POSITION)));
    return sized
        .withColumn(RANK, rank)
        .withColumn(
            PARTITION, udf(partition, DataTypes.IntegerType).apply(col(Columns.WORK), col(RANK)))
        .drop(RANK);
  }

  private Dataset<Row> evenly(Dataset<Row> sized) {
    long rows = Math.max(1, sized.count());
    int partitions = options.partitions();
    JavaRDD<Row> numbered =
        sized
            .orderBy(Columns.POSITION)
            .javaRDD()
            .zipWithIndex()
            .map(row -> Rows.append(row._1(), (int) (row._2() * partitions / rows)));
    return spark.createDataFrame(numbered, sized.schema().add(PARTITION, DataTypes.IntegerType));
  }

  private Dataset<Row> generated(Dataset<Row> placed) {
    Dataset<Row> ordered =
        options.balance() == Balance.PREDICTED
            ? placed.sortWithinPartitions(col(Columns.WORK).desc(), col(Columns.POSITION))
            : placed.sortWithinPartitions(col(Columns.POSITION));
    return ordered.mapPartitions(
        new GeneratePartition(options.engine(), options.maxNewTokens(), options.inFlight()),
        Encoders.row(Columns.OUTPUT));
  }

  private void delete(Path path) {
    try {
      path.getFileSystem(spark.sparkContext().hadoopConfiguration()).delete(path, true);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot be deleted: " + path, e);
    }
  }
}
