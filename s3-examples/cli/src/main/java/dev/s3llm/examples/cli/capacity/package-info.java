/**
 * The command {@code capacity}: finds the highest load of each policy within latency targets.
 *
 * <p>May depend on {@code s3-core}, Jackson, picocli and the packages {@code simulation} and {@code
 * support}, and on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.capacity;

import org.jspecify.annotations.NullMarked;
