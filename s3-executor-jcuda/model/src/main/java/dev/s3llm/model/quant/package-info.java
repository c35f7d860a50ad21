/**
 * Folders with a {@code quantization_config}: each quantised matrix is presented as a plain one,
 * decoded piece by piece as it is read. May depend on Jackson and on the packages of this module.
 */
@NullMarked
package dev.s3llm.model.quant;

import org.jspecify.annotations.NullMarked;
