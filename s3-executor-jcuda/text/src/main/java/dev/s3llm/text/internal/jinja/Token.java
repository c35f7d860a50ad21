package dev.s3llm.text.internal.jinja;

/**
 * A piece of a template's source.
 *
 * @param type what it is
 * @param text the characters of a name, number or operator; of a string or text, its value
 * @param offset where it starts in the source
 */
record Token(TokenType type, String text, int offset) {
  boolean is(TokenType other) {
    return type == other;
  }

  boolean isOperator(String symbol) {
    return type == TokenType.OPERATOR && text.equals(symbol);
  }

  boolean isName(String name) {
    return type == TokenType.NAME && text.equals(name);
  }

  /** Returns the token as messages show it. */
  String describe() {
    return switch (type) {
      case NAME, OPERATOR, INTEGER, FLOAT -> "'" + text + "'";
      default -> type.description();
    };
  }
}
