package dev.s3llm.text;

import dev.s3llm.GenerationResult;
import dev.s3llm.observe.FinishReason;
import java.util.List;
import java.util.Optional;

/**
 * The result of a text generation.
 *
 * @param text the answer without the stop string that ended it, without reasoning and without calls
 *     of tools; partial if the generation was cut off
 * @param reasoning what the model thought before it answered; empty if it did not, or if reasoning
 *     is not told apart
 * @param toolCalls the calls of tools, in their order
 * @param finishReason why the generation ended; {@link FinishReason#STOP} also after a stop string
 *     and after calls
 * @param stopString the stop string that ended the answer, if one did
 * @param reasoningTokens number of output tokens that are reasoning, its markers included
 * @param generation tokens, times, prediction and explanation of the generation in tokens. After a
 *     stop string its own finish reason is usually {@code CANCELLED}, and it may hold a few tokens
 *     more than the text
 */
public record TextResult(
    String text,
    String reasoning,
    List<ToolCall> toolCalls,
    FinishReason finishReason,
    Optional<String> stopString,
    int reasoningTokens,
    GenerationResult generation) {

  /** Creates a result; the list is copied. */
  public TextResult {
    toolCalls = List.copyOf(toolCalls);
  }

  /**
   * Returns whether the model ended its answer to have tools called: the finish reason {@code
   * tool_calls} of the OpenAI protocol.
   */
  public boolean awaitsTools() {
    return !toolCalls.isEmpty() && finishReason == FinishReason.STOP;
  }
}
