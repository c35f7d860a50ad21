package dev.s3llm.text;

import java.util.OptionalInt;

/**
 * Thrown when a chat template cannot be loaded or rendered: it is not valid, refuses the
 * conversation (the message is its own), exceeds a limit, or uses a feature that is not supported.
 * Other messages name the template, the line, the column, and what was expected.
 *
 * <p>Like the {@link IllegalArgumentException}s of {@link TextGenerator#submit}, it means that the
 * request is bad: a server answers both with status 400.
 */
public final class ChatTemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int line;
  private final int column;

  ChatTemplateException(String message, int line, int column) {
    super(message);
    this.line = line;
    this.column = column;
  }

  /** Returns the line of the template, from 1; empty if no line is at fault. */
  public OptionalInt line() {
    return line == 0 ? OptionalInt.empty() : OptionalInt.of(line);
  }

  /** Returns the column in the line, in characters from 1; empty if no line is at fault. */
  public OptionalInt column() {
    return column == 0 ? OptionalInt.empty() : OptionalInt.of(column);
  }
}
