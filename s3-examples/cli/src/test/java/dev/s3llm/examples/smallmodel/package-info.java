/**
 * Tests of the embedded small model with the executor of the CPU and the text layer, which the
 * modules of the library cannot run because they do not depend on the model.
 */
package dev.s3llm.examples.smallmodel;
