/**
 * Speech to text by masked decoding (Chen et al., arXiv 1911.04908): the files of a model, how a
 * canvas is filled, and an executor over the arithmetic of a device.
 *
 * <p>{@link dev.s3llm.model.speech.SpeechFiles} reads a model. {@link
 * dev.s3llm.model.speech.SpeechExecutor} runs it over a {@link dev.s3llm.model.speech.SpeechDevice}:
 * its canvases are filled by the rules behind {@code CanvasStrategy}, which see logits only. May
 * depend on {@code dev.s3llm.model}, its JSON reader and its access to configuration fields, and on
 * the executor interface of the core.
 */
@NullMarked
package dev.s3llm.model.speech;

import org.jspecify.annotations.NullMarked;
