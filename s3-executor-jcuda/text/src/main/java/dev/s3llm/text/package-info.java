/**
 * Text in, text out: what stands between an engine of token ids and an application. {@link
 * dev.s3llm.text.TextModel} is what a model folder says about text, {@link
 * dev.s3llm.text.TextGenerator} submits prompts and conversations to an engine and streams the
 * answers.
 *
 * <p>May depend on {@code s3-core}, on {@code dev.s3llm.model}, and on Jinjava and Jackson, which
 * stay out of public signatures. Knows no executor: any engine that runs the folder's model will
 * do.
 */
@NullMarked
package dev.s3llm.text;

import org.jspecify.annotations.NullMarked;
