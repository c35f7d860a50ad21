/**
 * The command {@code template}: renders conversations with the chat template of a model, or cases
 * that bring their own templates.
 *
 * <p>May depend on {@code s3-text}, {@code s3-model}, Jackson and the package {@code support}, and
 * on no other command.
 */
@NullMarked
package dev.s3llm.examples.cli.template;

import org.jspecify.annotations.NullMarked;
