package dev.s3llm.examples.spark;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/** The folder that a job appends to. */
final class OutputRows {
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
