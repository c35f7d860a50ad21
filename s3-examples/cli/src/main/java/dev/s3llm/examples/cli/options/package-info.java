/**
 * Options that several commands share: prompts, the model and its device, sizes, queue orders.
 *
 * <p>May depend on the library modules, the small model, picocli, Jackson and {@code support}, and
 * on no command.
 */
@NullMarked
package dev.s3llm.examples.cli.options;

import org.jspecify.annotations.NullMarked;
