package dev.s3llm.springai;

/**
 * The token usage of an answer: the native usage in Spring AI's {@code Usage}.
 *
 * @param promptTokens length of the prompt, 0 or more
 * @param cachedTokens number of prompt tokens that were not computed again, at most the prompt
 * @param completionTokens length of the answer with its reasoning, 0 or more
 * @param reasoningTokens number of output tokens that are reasoning, at most the answer
 */
public record S3Usage(
    int promptTokens, int cachedTokens, int completionTokens, int reasoningTokens) {}
