/**
 * Spans of the requests that an engine serves. Depends on Micrometer Tracing, but not on Spring.
 */
@NullMarked
package dev.s3llm.spring.tracing;

import org.jspecify.annotations.NullMarked;
