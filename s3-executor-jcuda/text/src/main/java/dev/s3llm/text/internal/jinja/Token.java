package dev.s3llm.text.internal.jinja;

/**
 * A piece of a template's source.
 *
 * @param type what it is
 * @param text the characters of a name, number or operator; of a string or text, its value
 * @param offset where it starts in the source
 */
record Token(Type type, String text, int offset) {
  /** What a token is. */
  enum Type {
    TEXT("text"),
    VARIABLE_BEGIN("'{{'"),
    VARIABLE_END("'}}'"),
    BLOCK_BEGIN("'{%'"),
    BLOCK_END("'%}'"),
    NAME("a name"),
    STRING("a string"),
    INTEGER("an integer"),
    FLOAT("a number"),
    OPERATOR("an operator"),
    END("the end of the template");

    private final String description;

    Type(String description) {
      this.description = description;
    }

    String description() {
      return description;
    }
  }

  boolean is(Type other) {
    return type == other;
  }

  boolean isOperator(String symbol) {
    return type == Type.OPERATOR && text.equals(symbol);
  }

  boolean isName(String name) {
    return type == Type.NAME && text.equals(name);
  }

  /** Returns the token as messages show it. */
  String describe() {
    return switch (type) {
      case NAME, OPERATOR, INTEGER, FLOAT -> "'" + text + "'";
      default -> type.description();
    };
  }
}
