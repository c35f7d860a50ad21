package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult;
import java.util.Optional;

/**
 * An answer that has ended normally.
 *
 * @param text the answer's text
 * @param finishReason the protocol's name of its end
 * @param promptTokens length of its prompt, in tokens
 * @param firstOfPrompt whether it is the first answer to its prompt
 * @param tokens the generation; empty if no token was asked for
 * @param reasoningTokens number of its tokens that are no part of its text
 */
public record Finished(
    String text,
    String finishReason,
    int promptTokens,
    boolean firstOfPrompt,
    Optional<GenerationResult> tokens,
    int reasoningTokens) {}
