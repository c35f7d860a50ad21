/**
 * Strict JSON for the files of a model folder, and files that were not downloaded. Not exported,
 * but to {@code dev.s3llm.text}.
 */
@NullMarked
package dev.s3llm.model.json;

import org.jspecify.annotations.NullMarked;
