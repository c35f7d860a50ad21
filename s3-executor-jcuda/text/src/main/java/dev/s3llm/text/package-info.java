/**
 * Text in and out for an engine of token ids. {@link dev.s3llm.text.TextModel} is the text side of
 * a model folder, {@link dev.s3llm.text.TextGenerator} submits prompts and conversations to an
 * engine and streams the answers.
 *
 * <p>Depends on {@code s3-core}, {@code s3-model}, Guava, {@code dev.s3llm.text.tool} and the
 * {@code internal} packages; the libraries below those (tokenizers, Jackson) appear neither here
 * nor in public signatures. Depends on no executor: any engine that runs the folder's model will
 * do.
 */
@NullMarked
package dev.s3llm.text;

import org.jspecify.annotations.NullMarked;
