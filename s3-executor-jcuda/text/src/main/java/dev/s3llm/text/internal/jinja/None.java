package dev.s3llm.text.internal.jinja;

/** The value {@code none}. */
enum None implements Value {
  NONE;

  @Override
  public String typeName() {
    return "NoneType";
  }

  @Override
  public boolean isTrue() {
    return false;
  }
}
