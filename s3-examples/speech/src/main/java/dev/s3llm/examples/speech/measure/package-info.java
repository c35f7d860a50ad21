/**
 * Error rates of transcriptions against known texts.
 *
 * <p>May depend on the JDK only.
 */
@NullMarked
package dev.s3llm.examples.speech.measure;

import org.jspecify.annotations.NullMarked;
