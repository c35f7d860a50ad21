/**
 * Offline generation over a data set on Apache Spark: one engine for each executor, and partitions
 * balanced by predicted work. {@code SparkGenerate} is the command line, {@code GenerationJob} the
 * job, {@code PredictLengths} its first pass and {@code GeneratePartition} its second.
 *
 * <p>May depend on the library modules, the small model, picocli, and the public API of Spark and
 * Hadoop. Only {@code ExecutorEngine} names executors, and only {@code SparkGenerate} uses picocli.
 */
@NullMarked
package dev.s3llm.examples.spark;

import org.jspecify.annotations.NullMarked;
