/**
 * What callers use: {@link dev.s3llm.S3Engine} to build an engine and submit to it, {@link
 * dev.s3llm.GenerationRequest}, the {@link dev.s3llm.Generation} handle with its result and token
 * stream, and the refusals.
 */
@NullMarked
package dev.s3llm;

import org.jspecify.annotations.NullMarked;
