/**
 * A chat model for Spring AI that runs on an S3 engine in the same process.
 *
 * <p>Depends on {@code s3-core}, the text layer {@code s3-text}, {@code spring-ai-model} with
 * Reactor, and Micrometer's observations only.
 */
@NullMarked
package dev.s3llm.springai;

import org.jspecify.annotations.NullMarked;
