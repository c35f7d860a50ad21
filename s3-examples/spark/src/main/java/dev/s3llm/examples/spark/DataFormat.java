package dev.s3llm.examples.spark;

/** File formats of data sets. */
enum DataFormat {
  /** One JSON object a line. */
  JSONL("json"),
  /** Apache Parquet. */
  PARQUET("parquet");

  private final String sparkName;

  DataFormat(String sparkName) {
    this.sparkName = sparkName;
  }

  /** Returns Spark's name of the format. */
  String sparkName() {
    return sparkName;
  }
}
