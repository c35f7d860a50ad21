package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.ToolCall;
import java.util.List;
import java.util.Optional;

/**
 * An answer that has ended normally.
 *
 * @param echo text of the prompt with which the answer begins, or an empty text
 * @param finishReason the protocol's name of its end
 * @param promptTokens length of its prompt, in tokens
 * @param firstOfPrompt whether it is the first answer to its prompt
 * @param result what was generated; empty if no token was asked for
 */
public record Finished(
    String echo,
    String finishReason,
    int promptTokens,
    boolean firstOfPrompt,
    Optional<TextResult> result) {

  /** Returns the answer's text. */
  public String text() {
    return echo + result.map(TextResult::text).orElse("");
  }

  /** Returns what the model thought before it answered, or an empty text. */
  public String reasoning() {
    return result.map(TextResult::reasoning).orElse("");
  }

  /** Returns the calls of tools, in their order. */
  public List<ToolCall> toolCalls() {
    return result.map(TextResult::toolCalls).orElse(List.of());
  }

  /** Returns whether the output limit ended the answer. */
  boolean isCut() {
    return finishReason.equals("length");
  }

  /** Returns the number of tokens of the reasoning. */
  public int reasoningTokens() {
    return result.map(TextResult::reasoningTokens).orElse(0);
  }

  /** Returns the generation in tokens. */
  public Optional<GenerationResult> tokens() {
    return result.map(TextResult::generation);
  }
}
