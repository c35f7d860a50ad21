/**
 * What every command uses: errors of usage, output files, JSON, numbers and progress bars.
 *
 * <p>May depend on Jackson, picocli and progressbar, and on no other package of the command line.
 */
@NullMarked
package dev.s3llm.examples.cli.support;

import org.jspecify.annotations.NullMarked;
