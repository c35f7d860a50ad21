/**
 * Refusals and failures: why a request was not accepted, or why it ended without a whole answer.
 * {@code retriable()} says whether the same request may succeed later. Depends on no other package.
 */
@NullMarked
package dev.s3llm.error;

import org.jspecify.annotations.NullMarked;
