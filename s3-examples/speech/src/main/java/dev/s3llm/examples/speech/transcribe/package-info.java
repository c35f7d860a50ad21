/**
 * Speech to text on an engine: models, predictors of the length, and a transcriber.
 *
 * <p>May depend on the engine, on the executors, and on the audio of this example.
 */
@NullMarked
package dev.s3llm.examples.speech.transcribe;

import org.jspecify.annotations.NullMarked;
