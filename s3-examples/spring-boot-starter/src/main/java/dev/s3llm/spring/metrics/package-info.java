/**
 * Micrometer meters of an engine and of the requests that it serves. Depends on Micrometer, but not
 * on Spring.
 */
@NullMarked
package dev.s3llm.spring.metrics;

import org.jspecify.annotations.NullMarked;
