package dev.s3llm.text.internal.jinja;

/** A floating-point number. */
record Real(double value) implements Value {
  @Override
  public String typeName() {
    return "float";
  }

  @Override
  public boolean isTrue() {
    return value != 0;
  }
}
