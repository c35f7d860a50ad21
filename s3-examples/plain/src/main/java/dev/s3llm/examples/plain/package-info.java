/**
 * The smallest service: text in, streamed text out, on the JDK's own HTTP server.
 *
 * <p>May depend on {@code s3-core}, {@code s3-text}, {@code s3-executor-cpu}, Jackson and the small
 * model. Only {@code Main} names an executor and the small model; only {@code Prompt} uses Jackson.
 */
@NullMarked
package dev.s3llm.examples.plain;

import org.jspecify.annotations.NullMarked;
