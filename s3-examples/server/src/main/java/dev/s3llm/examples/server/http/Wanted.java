package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.Endpoint;
import dev.s3llm.examples.server.openai.GenerationOptions;
import dev.s3llm.examples.server.openai.Prompt;
import dev.s3llm.text.TextRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request's fields, read by its endpoint.
 *
 * @param endpoint the endpoint
 * @param options the fields that all endpoints have
 * @param prompts the prompts, at least one
 * @param form the form of the response
 */
record Wanted(Endpoint endpoint, GenerationOptions options, List<One> prompts, Form form) {

  /**
   * A prompt.
   *
   * @param request has the prompt or the conversation, and nothing else
   * @param prompt the prompt; null for a conversation
   * @param echo whether each answer begins with the prompt
   */
  record One(TextRequest.Builder request, @Nullable Prompt prompt, boolean echo) {}
}
