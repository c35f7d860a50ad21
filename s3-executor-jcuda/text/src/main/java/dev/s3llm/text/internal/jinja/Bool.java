package dev.s3llm.text.internal.jinja;

/** A truth value; in arithmetic it is 0 or 1, as in Python. */
enum Bool implements Value {
  FALSE,
  TRUE;

  static Bool of(boolean value) {
    return value ? TRUE : FALSE;
  }

  /** Returns 0 or 1. */
  int asInt() {
    return this == TRUE ? 1 : 0;
  }

  @Override
  public String typeName() {
    return "bool";
  }

  @Override
  public boolean isTrue() {
    return this == TRUE;
  }
}
