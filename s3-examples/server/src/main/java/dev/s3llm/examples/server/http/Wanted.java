package dev.s3llm.examples.server.http;

import dev.s3llm.examples.server.openai.Dialogue;
import dev.s3llm.examples.server.openai.Endpoint;
import dev.s3llm.examples.server.openai.GenerationOptions;
import dev.s3llm.examples.server.openai.Prompt;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A request's fields, read by its endpoint.
 *
 * @param endpoint the endpoint
 * @param options the fields that all endpoints have
 * @param prompts the prompts, at least one
 * @param form the form of the response
 * @param check throws an {@link dev.s3llm.examples.server.openai.ApiException} if a model cannot
 *     answer so
 */
record Wanted(
    Endpoint endpoint,
    GenerationOptions options,
    List<One> prompts,
    Form form,
    Consumer<TextModel> check) {

  /** Returns a conversation to which the next message is wanted. */
  static Wanted message(
      Endpoint endpoint, Dialogue dialogue, GenerationOptions options, Form form) {
    return new Wanted(
        endpoint,
        options,
        List.of(new One(dialogue.request(), null, false)),
        form,
        model -> dialogue.requireKept(options.format(), model));
  }

  /**
   * A prompt.
   *
   * @param request has the prompt or the conversation, and nothing else
   * @param prompt the prompt; null for a conversation
   * @param echo whether each answer begins with the prompt
   */
  record One(TextRequest.Builder request, @Nullable Prompt prompt, boolean echo) {}
}
