/**
 * The command {@code score}: how probable a model finds texts.
 *
 * <p>May depend on {@code s3-executor-cpu}, {@code s3-model}, {@code s3-text}, Jackson and the
 * package {@code support}, and on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.score;

import org.jspecify.annotations.NullMarked;
