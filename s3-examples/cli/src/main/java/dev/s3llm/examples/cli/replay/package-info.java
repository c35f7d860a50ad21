/**
 * The command {@code replay}: runs a trace under several policies, or over the values of a sweep,
 * and reports the results as a table, as JSON and as a page.
 *
 * <p>May depend on {@code s3-core}, Jackson, picocli and the packages {@code simulation}, {@code
 * lab} and {@code support}, and on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.replay;

import org.jspecify.annotations.NullMarked;
