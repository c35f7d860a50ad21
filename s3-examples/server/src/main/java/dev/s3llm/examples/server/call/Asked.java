package dev.s3llm.examples.server.call;

import dev.s3llm.examples.server.openai.Prompt;
import dev.s3llm.text.TextRequest;
import org.jspecify.annotations.Nullable;

/**
 * A prompt of a call, and the answers to it that the client wants.
 *
 * @param request what to generate; not submitted if {@code answers} have no tokens
 * @param answers number of answers, at least 1
 * @param prompt the prompt; null if it is a conversation
 * @param echo whether each answer begins with the prompt
 * @param generates whether there is anything to generate; false if the output limit is 0
 */
public record Asked(
    TextRequest request, int answers, @Nullable Prompt prompt, boolean echo, boolean generates) {

  /** Returns answers to a conversation. */
  public static Asked chat(TextRequest request, int answers) {
    return new Asked(request, answers, null, false, true);
  }
}
