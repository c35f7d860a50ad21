/**
 * Chat templates of Hugging Face folders: {@link dev.s3llm.text.template.ChatTemplate} turns a
 * conversation into the text of a prompt.
 *
 * <p>May depend on {@code dev.s3llm.text.tokenizer}, Guava and Jinjava, which stays out of public
 * signatures.
 */
@NullMarked
package dev.s3llm.text.template;

import org.jspecify.annotations.NullMarked;
