/**
 * The executor interface, which an inference engine implements so that S3 can drive it.
 *
 * <p>This package depends on {@code error}, and internally on {@code support}. A batch names the
 * sequences of a step, their new token ids, and the KV blocks of each. The result holds the tokens
 * that each sequence commits, usually one, and the slots that it needs next. The engine alone
 * decides which block belongs to which sequence.
 */
@NullMarked
package dev.s3llm.execute;

import org.jspecify.annotations.NullMarked;
