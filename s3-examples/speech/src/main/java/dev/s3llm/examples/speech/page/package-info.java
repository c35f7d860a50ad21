/**
 * A page that shows how a canvas is filled, pass by pass.
 *
 * <p>May depend on the transcriber and on the canvases of the model.
 */
@NullMarked
package dev.s3llm.examples.speech.page;

import org.jspecify.annotations.NullMarked;
