/**
 * Predictions of output length: the interface of predictors, the distribution that they return, a
 * predictor that learns from finished requests without a model, and one that corrects another by
 * its observed errors.
 *
 * <p>This package depends on no other package of the library. A prediction is advice: whatever a
 * predictor returns or throws changes speed, never tokens.
 */
@NullMarked
package dev.s3llm.predict;

import org.jspecify.annotations.NullMarked;
