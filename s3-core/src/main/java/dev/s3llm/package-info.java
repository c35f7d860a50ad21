/**
 * The API for callers: {@link dev.s3llm.S3Engine} serves requests, {@link
 * dev.s3llm.GenerationRequest} describes one, and {@link dev.s3llm.Generation} is the handle of an
 * accepted one, with its result and token stream. Refusals and failures are in {@code
 * dev.s3llm.error}.
 */
@NullMarked
package dev.s3llm;

import org.jspecify.annotations.NullMarked;
