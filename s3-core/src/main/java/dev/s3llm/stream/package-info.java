/**
 * Streams whose producer never waits for a subscriber. Exported to s3-text alone. Depends only on
 * {@code support}.
 */
@NullMarked
package dev.s3llm.stream;

import org.jspecify.annotations.NullMarked;
