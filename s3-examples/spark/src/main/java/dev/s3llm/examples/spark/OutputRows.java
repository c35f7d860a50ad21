package dev.s3llm.examples.spark;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.make_valid_utf8;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.raise_error;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;
import static org.apache.spark.sql.functions.xxhash64;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/** The folder that a job appends to. */
final class OutputRows {
  private static final String THERE_ID = "there_id";
  private static final String THERE_COPY = "there_copy";
  private static final String THERE_PROMPT = "there_prompt";

  private final SparkSession spark;
  private final Path folder;
  private final DataFormat format;

  OutputRows(SparkSession spark, String folder, DataFormat format) {
    this.spark = spark;
    this.folder = new Path(folder);
    this.format = format;
  }

  /**
   * What is there; nothing at first.
   *
   * @throws IllegalArgumentException if there are files of another format, which would read as rows
   *     without ids
   */
  Dataset<Row> read() {
    try {
      FileSystem files = folder.getFileSystem(spark.sparkContext().hadoopConfiguration());
      if (!files.exists(folder)) {
        return spark.createDataFrame(List.of(), Columns.OUTPUT);
      }
      for (FileStatus file : files.listStatus(folder, path -> path.getName().startsWith("part-"))) {
        if (!file.getPath().getName().contains("." + format.sparkName())) {
          throw new IllegalArgumentException(
              "the output is to be %s, but holds %s".formatted(format, file.getPath()));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the output cannot be read: " + folder, e);
    }
    return spark.read().schema(Columns.OUTPUT).format(format.sparkName()).load(folder.toString());
  }

  /**
   * The rows of an input that are not there. Ids tell rows apart, so the input may get more of them
   * between jobs, but no other first row of an id that is there: it would count as made. Reading
   * the result fails if there is one.
   */
  Dataset<Row> missing(Dataset<Row> input) {
    Dataset<Row> there =
        read()
            .select(
                col(Columns.ID).as(THERE_ID),
                col(Columns.COPY).as(THERE_COPY),
                promptHash().as(THERE_PROMPT));
    Column same =
        col(Columns.ID).eqNullSafe(col(THERE_ID)).and(col(Columns.COPY).equalTo(col(THERE_COPY)));
    Column change =
        concat(
            lit("the input has changed: the output has another prompt for the id "),
            col(Columns.ID));
    return input
        .join(there, same, "left")
        .where(when(changed(), raise_error(change)).otherwise(col(THERE_COPY).isNull()))
        .drop(THERE_ID, THERE_COPY, THERE_PROMPT);
  }

  /** Copies and rows without an id have no answer that could be of another prompt. */
  private static Column changed() {
    return col(Columns.COPY)
        .equalTo(1)
        .and(not(InputRows.blank(col(Columns.ID))))
        .and(promptHash().notEqual(col(THERE_PROMPT)));
  }

  /** What is no UTF-8 was replaced on the way to the output. */
  private static Column promptHash() {
    return xxhash64(make_valid_utf8(col(Columns.PROMPT)));
  }

  /** Appends with the committer that makes a task's file final when the task ends. */
  void append(Dataset<Row> rows) {
    rows.write()
        .mode(SaveMode.Append)
        .format(format.sparkName())
        .option("mapreduce.fileoutputcommitter.algorithm.version", "2")
        .save(folder.toString());
  }

  JobReport.Totals totals() {
    Row row =
        read()
            .agg(
                count(lit(1)),
                count(col(Columns.ERROR)),
                coalesce(sum(col(Columns.OUTPUT_TOKENS)), lit(0L)))
            .first();
    return new JobReport.Totals(row.getLong(0), row.getLong(1), row.getLong(2));
  }
}
