/**
 * OpenAI's protocol over a {@link dev.s3llm.text.TextGenerator}: requests, responses, errors and
 * streams. Knows WebFlux and no configuration.
 */
@NullMarked
package dev.s3llm.examples.server.openai;

import org.jspecify.annotations.NullMarked;
