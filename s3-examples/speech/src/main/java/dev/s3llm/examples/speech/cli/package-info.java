/**
 * The command line: {@code transcribe}, {@code evaluate} and {@code bench}.
 *
 * <p>May depend on all other packages of this example.
 */
@NullMarked
package dev.s3llm.examples.speech.cli;

import org.jspecify.annotations.NullMarked;
