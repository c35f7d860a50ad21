/**
 * The command {@code inspect}: whether models can be run, and if not, why.
 *
 * <p>May depend on {@code s3-model}, {@code s3-text}, Jackson and the package {@code support}, and
 * on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.inspect;

import org.jspecify.annotations.NullMarked;
