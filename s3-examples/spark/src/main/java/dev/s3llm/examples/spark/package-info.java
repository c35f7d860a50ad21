/**
 * Offline generation over a data set on Apache Spark: one engine for each executor, partitions
 * balanced by predicted tokens. Depends on the library's modules and on Spark's public API.
 */
@NullMarked
package dev.s3llm.examples.spark;

import org.jspecify.annotations.NullMarked;
