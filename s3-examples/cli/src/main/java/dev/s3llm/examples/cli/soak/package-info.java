/**
 * The command {@code bench soak}: loads an engine for a long time, with faults, and checks that
 * memory, threads and KV blocks stay as they were.
 *
 * <p>May depend on the library modules, the small model, picocli and the packages {@code options}
 * and {@code support}, and on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.soak;

import org.jspecify.annotations.NullMarked;
