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

  OutputRows(SparkSession spark, DataSet output) {
    this.spark = spark;
    this.folder = new Path(output.path());
    this.format = output.format();
  }

  /**
   * Reads the rows in the output; none if it does not exist.
   *
   * @throws IllegalArgumentException if there are files of another format, which would be read as
   *     rows without ids
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
   * Returns the rows of an input that are not in the output. Rows are identified by their ids, so
   * the input may get more rows between jobs, but the first row of an id in the output must stay
   * the first, because it counts as answered. Reading the result fails if it has another prompt.
   *
   * @param input rows with id, copy and prompt
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

  /**
   * Returns whether the prompt differs; never for copies and rows without id, which have no answer.
   */
  private static Column changed() {
    return col(Columns.COPY)
        .equalTo(1)
        .and(not(InputRows.blank(col(Columns.ID))))
        .and(promptHash().notEqual(col(THERE_PROMPT)));
  }

  /** Hashes the prompt as the output has it, where bytes that are no UTF-8 were replaced. */
  private static Column promptHash() {
    return xxhash64(make_valid_utf8(col(Columns.PROMPT)));
  }

  /** Appends rows with the committer that makes the file of a task final when the task ends. */
  void append(Dataset<Row> rows) {
    rows.write()
        .mode(SaveMode.Append)
        .format(format.sparkName())
        .option("mapreduce.fileoutputcommitter.algorithm.version", "2")
        .save(folder.toString());
  }

  /** Counts the rows in the output. */
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
