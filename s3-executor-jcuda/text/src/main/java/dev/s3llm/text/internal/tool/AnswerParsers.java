package dev.s3llm.text.internal.tool;

import dev.s3llm.text.internal.tool.StreamingParser.Thinking;
import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.AnswerParser;
import java.util.function.Supplier;

/** Creates the parsers of answers. */
public final class AnswerParsers {
  private AnswerParsers() {}

  /**
   * Creates a parser for one answer.
   *
   * @param format how the model writes calls
   * @param functions the functions that may be called; nothing is a call if there are none
   * @param thinking the markers of reasoning
   */
  public static AnswerParser create(AnswerFormat format, Functions functions, Thinking thinking) {
    Supplier<String> ids = format == AnswerFormat.MISTRAL ? CallIds.ofNine() : CallIds.ofCalls();
    return create(format, functions, thinking, ids);
  }

  static AnswerParser create(
      AnswerFormat format, Functions functions, Thinking thinking, Supplier<String> ids) {
    return format == AnswerFormat.HARMONY
        ? new HarmonyParser(functions, ids)
        : new StreamingParser(Dialect.of(format), functions, thinking, ids);
  }
}
