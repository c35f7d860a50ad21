package dev.s3llm.text.internal.jinja;

/** What a token is. */
enum TokenType {
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

  TokenType(String description) {
    this.description = description;
  }

  String description() {
    return description;
  }
}
