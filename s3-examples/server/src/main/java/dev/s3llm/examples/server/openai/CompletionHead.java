package dev.s3llm.examples.server.openai;

import java.time.Instant;

/**
 * The fields that an answer and all its pieces have in common.
 *
 * @param id id of the request
 * @param created time of the request
 * @param model name of the model
 */
public record CompletionHead(String id, Instant created, String model) {}
