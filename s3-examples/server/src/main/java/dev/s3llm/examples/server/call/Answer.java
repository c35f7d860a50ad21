package dev.s3llm.examples.server.call;

import dev.s3llm.text.TextGeneration;
import java.util.Optional;

/**
 * An answer that the engine generates.
 *
 * @param generation the generation; empty if no token was asked for
 * @param echo text of the prompt, with which the answer begins; empty if that was not asked for
 * @param promptTokens length of the prompt in tokens, if there is no generation
 * @param firstOfPrompt whether it is the first answer to its prompt
 */
public record Answer(
    Optional<TextGeneration> generation, String echo, int promptTokens, boolean firstOfPrompt) {}
