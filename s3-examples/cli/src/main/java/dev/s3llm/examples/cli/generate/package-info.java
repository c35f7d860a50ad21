/**
 * The commands {@code generate}, which answers prompts with a model or compares planners and
 * predictors on them, and {@code record}, which records the requests as a trace.
 *
 * <p>May depend on the library modules, the small model, and the packages {@code options} and
 * {@code support}, and on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.generate;

import org.jspecify.annotations.NullMarked;
