/**
 * What callers use: {@link dev.s3llm.S3Engine} to build an engine and submit to it, {@link
 * dev.s3llm.GenerationRequest}, and the {@link dev.s3llm.Generation} handle with its result and
 * token stream. {@code dev.s3llm.error} has the refusals and failures.
 */
@NullMarked
package dev.s3llm;

import org.jspecify.annotations.NullMarked;
