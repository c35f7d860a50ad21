/**
 * The command {@code tokenize}: encodes texts with the tokenizer of a model, and decodes them.
 *
 * <p>May depend on {@code s3-text}, {@code s3-model}, Jackson and the package {@code support}, and
 * on no other command. Reads the tokenizer alone, so that a folder needs no configuration.
 */
@NullMarked
package dev.s3llm.examples.cli.tokenize;

import org.jspecify.annotations.NullMarked;
