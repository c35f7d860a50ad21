package dev.s3llm.examples.spark;

/**
 * A data set on a file system of Hadoop.
 *
 * @param path a file or folder
 * @param format the format of its files
 */
record DataSet(String path, DataFormat format) {}
