/**
 * The command line example.
 *
 * <p>May depend on the library modules, the small model, picocli, progressbar and Jackson.
 */
@NullMarked
package dev.s3llm.examples.cli;

import org.jspecify.annotations.NullMarked;
