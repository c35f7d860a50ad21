/**
 * The commands {@code bench step} and {@code bench serve}: time real steps of models with random
 * weights on GPUs.
 *
 * <p>May depend on the library modules, picocli and the packages {@code simulation}, {@code
 * options} and {@code support}, and on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.bench;

import org.jspecify.annotations.NullMarked;
