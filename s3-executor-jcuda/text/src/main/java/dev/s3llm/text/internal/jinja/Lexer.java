package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits a template into tokens, with trim_blocks (the newline after a block is dropped) and
 * lstrip_blocks (blanks before a block at the start of a line are dropped). The texts between the
 * marks are read here, what is inside the marks by {@link ExpressionLexer}. One pass, linear time.
 */
final class Lexer {
  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;

  /** Whether the last mark ended with a newline, so that the next text starts a line. */
  private boolean lineStarts = true;

  private Lexer(String source) {
    this.source = source;
  }

  /** Returns a source with its line ends made newlines, and without a last one, as Jinja has it. */
  static String normalized(String source) {
    String unix = source.replace("\r\n", "\n").replace('\r', '\n');
    return unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
  }

  /**
   * Returns the tokens of a normalized source; the last is of type {@link TokenType#END}.
   *
   * @throws JinjaException if the source breaks the rules of the language
   */
  static List<Token> tokens(String source) {
    Lexer lexer = new Lexer(source);
    while (lexer.position < source.length()) {
      lexer.next();
    }
    lexer.tokens.add(new Token(TokenType.END, "", source.length()));
    return lexer.tokens;
  }

  /** Reads a text and the mark after it. */
  private void next() {
    int mark = nextMark(position);
    if (mark < 0) {
      addText(position, source.length());
      position = source.length();
      return;
    }
    char kind = source.charAt(mark + 1);
    char sign = mark + 2 < source.length() ? source.charAt(mark + 2) : ' ';
    addText(position, textEnd(position, mark, kind, sign));
    int inside = mark + (sign == '-' || sign == '+' ? 3 : 2);
    lineStarts = false;
    int raw = kind == '%' ? afterWord(inside, "raw", false) : -1;
    if (kind == '#') {
      skipComment(mark, inside);
    } else if (raw >= 0) {
      readRaw(mark, raw);
    } else {
      readMark(mark, inside, kind == '{');
    }
  }

  private int nextMark(int from) {
    for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
      char next = i + 1 < source.length() ? source.charAt(i + 1) : ' ';
      if (next == '{' || next == '%' || next == '#') {
        return i;
      }
    }
    return -1;
  }

  /** Returns where the text before a mark ends, without the blanks that the mark strips. */
  private int textEnd(int start, int mark, char kind, char sign) {
    int end = mark;
    if (sign == '-') {
      while (end > start && Python.isSpace(source.charAt(end - 1))) {
        end--;
      }
    } else if (sign != '+' && kind != '{') {
      while (end > start
          && source.charAt(end - 1) != '\n'
          && Python.isSpace(source.charAt(end - 1))) {
        end--;
      }
      boolean atLineStart = end > start ? source.charAt(end - 1) == '\n' : lineStarts;
      return atLineStart ? end : mark;
    }
    return end;
  }

  private void addText(int start, int end) {
    if (end > start) {
      tokens.add(new Token(TokenType.TEXT, source.substring(start, end), start));
    }
  }

  private void skipComment(int mark, int inside) {
    int end = source.indexOf("#}", inside);
    if (end < 0) {
      throw JinjaException.syntax(source, mark, "this comment has no end; expected '#}'");
    }
    char sign = end > inside ? source.charAt(end - 1) : ' ';
    endMark(end + 2, sign == '-', sign != '+');
  }

  /** Moves behind a mark's end and the blanks that it strips: all, or one newline. */
  private void endMark(int end, boolean strips, boolean trims) {
    position = end;
    if (strips) {
      position = skipSpace(end);
    } else if (trims && end < source.length() && source.charAt(end) == '\n') {
      position++;
    }
    lineStarts = source.charAt(position - 1) == '\n';
  }

  private int skipSpace(int from) {
    int i = from;
    while (i < source.length() && Python.isSpace(source.charAt(i))) {
      i++;
    }
    return i;
  }

  /** Returns where a block of one word ends, at its last two characters; -1 if it is none. */
  private int afterWord(int inside, String word, boolean plus) {
    int start = skipSpace(inside);
    if (!source.startsWith(word, start)) {
      return -1;
    }
    int end = skipSpace(start + word.length());
    boolean signed = source.startsWith("-", end) || (plus && source.startsWith("+", end));
    return source.startsWith("%}", signed ? end + 1 : end) ? (signed ? end + 1 : end) : -1;
  }

  private void readRaw(int mark, int begin) {
    endMark(begin + 2, source.charAt(begin - 1) == '-', false);
    int start = position;
    for (int i = source.indexOf("{%", start); i >= 0; i = source.indexOf("{%", i + 1)) {
      char sign = i + 2 < source.length() ? source.charAt(i + 2) : ' ';
      int end = afterWord(i + (sign == '-' || sign == '+' ? 3 : 2), "endraw", true);
      if (end >= 0) {
        addText(start, textEnd(start, i, '%', sign));
        char last = source.charAt(end - 1);
        endMark(end + 2, last == '-', last != '+');
        return;
      }
    }
    throw JinjaException.syntax(source, mark, "this raw block has no end; expected 'endraw'");
  }

  private void readMark(int mark, int inside, boolean variable) {
    TokenType begin = variable ? TokenType.VARIABLE_BEGIN : TokenType.BLOCK_BEGIN;
    tokens.add(new Token(begin, source.substring(mark, inside), mark));
    ExpressionLexer expression = new ExpressionLexer(source, inside, tokens);
    String end = variable ? "}}" : "%}";
    int at = expression.readUntil(end);
    if (at < 0) {
      position = source.length(); // the parser says what is missing
      return;
    }
    tokens.add(new Token(variable ? TokenType.VARIABLE_END : TokenType.BLOCK_END, end, at));
    char sign = source.charAt(at);
    endMark(at + (sign == end.charAt(0) ? 2 : 3), sign == '-', !variable && sign != '+');
  }
}
