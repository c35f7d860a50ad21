/**
 * Tokenizers of Hugging Face folders: {@link dev.s3llm.text.tokenizer.TextTokenizer} turns text
 * into token ids and back.
 *
 * <p>May depend on {@code s3-model}, the Hugging Face tokenizers, Guava and Jackson.
 */
@NullMarked
package dev.s3llm.text.tokenizer;

import org.jspecify.annotations.NullMarked;
