/**
 * The executor SPI: what an inference engine implements so that S3 can drive it.
 *
 * <p>This package depends on no other package of the library. An executor is told which sequences
 * take part in a step, which token ids are new, and in which KV blocks they live; it answers with
 * one token for each sequence that samples. Which block belongs to whom is decided by the engine.
 */
@NullMarked
package dev.s3llm.execute;

import org.jspecify.annotations.NullMarked;
