/**
 * Streams that never make their producer wait. Exported to s3-text alone. Depends on no other
 * package of ours but {@code support}.
 */
@NullMarked
package dev.s3llm.stream;

import org.jspecify.annotations.NullMarked;
