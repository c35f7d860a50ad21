/**
 * Predictions of output length: the SPI, the distribution it returns, and a predictor that learns
 * from finished requests without a model.
 *
 * <p>This package depends on no other package of the library. A prediction is advice: whatever a
 * predictor returns or throws changes speed, never tokens.
 */
@NullMarked
package dev.s3llm.predict;

import org.jspecify.annotations.NullMarked;
