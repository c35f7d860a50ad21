/**
 * What a model brings for its conversations: the sources of its chat templates and its special
 * tokens, read from a Hugging Face folder or from the metadata of a GGUF file. Renders nothing.
 *
 * <p>May depend on {@code s3-model} (the errors and the JSON reader), Jackson and JSpecify.
 */
@NullMarked
package dev.s3llm.text.internal.template;

import org.jspecify.annotations.NullMarked;
