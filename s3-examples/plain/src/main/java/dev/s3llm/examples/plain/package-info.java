/**
 * The smallest service: text in, streamed text out, on the JDK's own HTTP server.
 *
 * <p>May depend on {@code s3-core}, {@code s3-executor-cpu}, {@code s3-text}, Jackson and the small
 * model.
 */
@NullMarked
package dev.s3llm.examples.plain;

import org.jspecify.annotations.NullMarked;
