/**
 * GGUF files, the format of llama.cpp: their metadata as a configuration of Hugging Face's form,
 * and their tensors under Hugging Face's names. May depend on Jackson and on the packages of this
 * module.
 */
@NullMarked
package dev.s3llm.model.gguf;

import org.jspecify.annotations.NullMarked;
