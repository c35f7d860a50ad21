package dev.s3llm.examples.spark;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.monotonically_increasing_id;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.when;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;

/**
 * Reads and checks the rows of the input. A row's key is its id and its copy number, so that rows
 * with the same id are different rows of the output.
 */
final class InputRows {
  private static final int SHOWN_CHARACTERS = 200;

  private InputRows() {}

  /**
   * Reads the rows and adds {@code copy}, and {@code error} where a row cannot be answered.
   *
   * @param spark the session
   * @param input the file or folder
   * @throws IllegalArgumentException if a column is missing
   */
  static Dataset<Row> read(SparkSession spark, DataSet input) {
    Column position =
        struct(
            col("_metadata.file_path"),
            col("_metadata.file_block_start"),
            monotonically_increasing_id().as("row"));
    Dataset<Row> rows =
        (input.format() == DataFormat.JSONL
                ? jsonl(spark, input.path())
                : parquet(spark, input.path()))
            .withColumn(Columns.POSITION, position);
    Column copy = row_number().over(Window.partitionBy(Columns.ID).orderBy(col(Columns.POSITION)));
    return rows.withColumn(Columns.COPY, copy)
        .withColumn(Columns.ERROR, error())
        .withColumn(Columns.MAX_NEW_TOKENS, limit())
        .drop(Columns.CORRUPT);
  }

  private static Dataset<Row> jsonl(SparkSession spark, String path) {
    return spark
        .read()
        .schema(Columns.INPUT)
        .option("columnNameOfCorruptRecord", Columns.CORRUPT)
        .json(path);
  }

  private static Dataset<Row> parquet(SparkSession spark, String path) {
    Dataset<Row> rows = spark.read().parquet(path);
    List<String> names = List.of(rows.columns());
    if (!names.contains(Columns.ID) || !names.contains(Columns.PROMPT)) {
      throw new IllegalArgumentException(
          "%s must have the columns id and prompt, but has %s".formatted(path, names));
    }
    Column[] columns =
        Arrays.stream(Columns.INPUT.fields())
            .map(field -> names.contains(field.name()) ? cast(field) : absent(field))
            .toArray(Column[]::new);
    return rows.select(columns);
  }

  /** Reads a value of another type as its text. */
  private static Column cast(StructField field) {
    return col(field.name()).try_cast(field.dataType()).as(field.name());
  }

  private static Column absent(StructField field) {
    return lit(null).cast(field.dataType()).as(field.name());
  }

  private static Column error() {
    Column id = col(Columns.ID);
    Column prompt = col(Columns.PROMPT);
    Column limit = col(Columns.MAX_NEW_TOKENS);
    Column corrupt = col(Columns.CORRUPT);
    return when(
            corrupt.isNotNull(),
            concat(lit("refused: no JSON object with id and prompt: "), shown(corrupt)))
        .when(blank(id), lit("refused: no id"))
        .when(col(Columns.COPY).gt(1), lit("duplicate: an earlier row has this id"))
        .when(blank(prompt), lit("refused: no prompt"))
        .when(
            limit.isNotNull().and(limit().isNull()),
            concat(lit("refused: max_new_tokens is no such number: "), shown(limit)))
        .when(
            limit().lt(1),
            concat(lit("refused: max_new_tokens must be at least 1, but is "), shown(limit)));
  }

  /** Returns the whole part of the limit; null if its text is no number or a number too large. */
  private static Column limit() {
    return col(Columns.MAX_NEW_TOKENS)
        .try_cast(DataTypes.DoubleType)
        .try_cast(DataTypes.IntegerType);
  }

  private static Column shown(Column text) {
    return substring(text, 1, SHOWN_CHARACTERS);
  }

  /** Returns whether the text is null or blank. */
  static Column blank(Column text) {
    return text.isNull().or(length(trim(text)).equalTo(0));
  }
}
