/**
 * What callers of S3 for Java use: the engine, requests, results and refusals.
 *
 * <p>May depend on every other package of this module; only {@code dev.s3llm.simulate} may depend
 * on it.
 */
@NullMarked
package dev.s3llm;

import org.jspecify.annotations.NullMarked;
