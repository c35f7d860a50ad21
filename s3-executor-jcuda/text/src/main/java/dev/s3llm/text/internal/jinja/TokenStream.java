package dev.s3llm.text.internal.jinja;

import java.util.List;

/** The tokens of a template, read in order, and the failures that say what was expected instead. */
final class TokenStream {
  /** Parentheses, blocks and operators in each other; bounds the parser's recursion. */
  private static final int MAX_NESTING = 150;

  private final String source;
  private final List<Token> tokens;
  private int next;
  private int nesting;

  TokenStream(String source) {
    this.source = source;
    this.tokens = Lexer.tokens(source);
  }

  Token current() {
    return tokens.get(next);
  }

  /** Returns the token after the current one. */
  Token following() {
    return tokens.get(Math.min(next + 1, tokens.size() - 1));
  }

  /** Returns the current token and moves behind it. */
  Token take() {
    Token token = current();
    if (next < tokens.size() - 1) {
      next++;
    }
    return token;
  }

  boolean skipOperator(String symbol) {
    boolean skip = current().isOperator(symbol);
    if (skip) {
      take();
    }
    return skip;
  }

  boolean skipName(String name) {
    boolean skip = current().isName(name);
    if (skip) {
      take();
    }
    return skip;
  }

  Token expect(TokenType type) {
    if (!current().is(type)) {
      throw expected(type.description());
    }
    return take();
  }

  void expectOperator(String symbol) {
    if (!skipOperator(symbol)) {
      throw expected("'" + symbol + "'");
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw expected("'" + name + "'");
    }
  }

  JinjaException expected(String what) {
    return failure(current(), "expected %s but found %s".formatted(what, current().describe()));
  }

  JinjaException failure(Token at, String message) {
    return JinjaException.syntax(source, at.offset(), message);
  }

  void enter() {
    if (++nesting > MAX_NESTING) {
      throw failure(current(), "more than %d levels are nested here".formatted(MAX_NESTING));
    }
  }

  void leave() {
    nesting--;
  }
}
