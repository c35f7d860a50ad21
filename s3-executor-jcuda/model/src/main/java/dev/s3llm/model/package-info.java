/**
 * Models as Hugging Face folders hold them: configuration, weights, model families. Shared by all
 * executors; knows none of them.
 *
 * <p>May depend on Jackson, which stays out of public signatures, and on the settings of builders
 * in {@code s3-core}.
 */
@NullMarked
package dev.s3llm.model;

import org.jspecify.annotations.NullMarked;
