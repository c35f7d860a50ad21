package dev.s3llm.text.internal.jinja;

/**
 * Reports that a template cannot be parsed or rendered. The message names the line and the column,
 * except for {@link Kind#RAISED}, where it is the template's own text.
 */
public final class JinjaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The kind of a failure; each corresponds to one exception class of Jinja. */
  public enum Kind {
    /** The source is not a template ({@code TemplateSyntaxError}). */
    SYNTAX,
    /** The template called {@code raise_exception}. */
    RAISED,
    /**
     * The template used a variable or an attribute that does not exist ({@code UndefinedError}).
     */
    UNDEFINED,
    /** The sandbox does not allow an attribute or a method ({@code SecurityError}). */
    FORBIDDEN,
    /** An operation does not apply to its values ({@code TypeError} and similar). */
    RUNTIME,
    /** The rendering exceeded one of its {@link RenderLimits}. */
    LIMIT
  }

  private final Kind kind;
  private final int line;
  private final int column;

  private JinjaException(Kind kind, String message, int line, int column) {
    super(message, null, false, true);
    this.kind = kind;
    this.line = line;
    this.column = column;
  }

  static JinjaException raised(String message) {
    return new JinjaException(Kind.RAISED, message, 0, 0);
  }

  static JinjaException undefined(String message) {
    return new JinjaException(Kind.UNDEFINED, message, 0, 0);
  }

  static JinjaException forbidden(String message) {
    return new JinjaException(Kind.FORBIDDEN, message, 0, 0);
  }

  static JinjaException limit(String message) {
    return new JinjaException(Kind.LIMIT, message, 0, 0);
  }

  @SuppressWarnings("AnnotateFormatMethod") // the annotation would be a dependency
  static JinjaException runtime(String format, Object... arguments) {
    return new JinjaException(Kind.RUNTIME, format.formatted(arguments), 0, 0);
  }

  static JinjaException syntax(String source, int offset, String message) {
    return new JinjaException(Kind.SYNTAX, message, 0, 0).at(source, offset);
  }

  /** Returns the same failure with the position of an offset in the source. */
  JinjaException at(String source, int offset) {
    int end = Math.max(0, Math.min(offset, source.length()));
    int lineStart = source.lastIndexOf('\n', end - 1) + 1;
    int lineNumber =
        1 + (int) source.substring(0, lineStart).chars().filter(c -> c == '\n').count();
    int columnNumber = 1 + source.codePointCount(lineStart, end);
    String message =
        kind == Kind.RAISED
            ? String.valueOf(getMessage())
            : "line %d, column %d: %s".formatted(lineNumber, columnNumber, getMessage());
    JinjaException placed = new JinjaException(kind, message, lineNumber, columnNumber);
    placed.setStackTrace(getStackTrace());
    return placed;
  }

  /** Returns the kind of this failure. */
  public Kind kind() {
    return kind;
  }

  /** Returns the line of the failure in the template, from 1. */
  public int line() {
    return line;
  }

  /** Returns the column of the failure in its line, in characters from 1. */
  public int column() {
    return column;
  }
}
