/**
 * Speech to text by masked decoding (Chen et al., arXiv 1911.04908): the files of a model, how a
 * canvas is filled, and an executor over the arithmetic of a device.
 */
@NullMarked
package dev.s3llm.model.speech;

import org.jspecify.annotations.NullMarked;
