/**
 * The command {@code predict}: predicts answer lengths, or measures how good predictions are.
 *
 * <p>May depend on the library modules, the small model, and the packages {@code options} and
 * {@code support}, and on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.predict;

import org.jspecify.annotations.NullMarked;
