/**
 * Parsers of answers: content, reasoning and calls of tools in the formats of model families.
 *
 * <p>Depends on {@code dev.s3llm.text.tool} and Jackson.
 */
@NullMarked
package dev.s3llm.text.internal.tool;

import org.jspecify.annotations.NullMarked;
