package dev.s3llm.text.internal.jinja;

import java.util.List;

/**
 * What a missing variable, attribute or item evaluates to: an empty text that is false, has no
 * items, and equals only its like. Any other use fails.
 *
 * @param message what is missing
 * @param forbidden whether the sandbox hides it, rather than that it does not exist
 */
record Undefined(String message, boolean forbidden) implements Value {
  static Undefined variable(String name) {
    return new Undefined("'%s' is undefined".formatted(name), false);
  }

  static Undefined because(String message) {
    return new Undefined(message, false);
  }

  static Undefined attribute(Value base, String name) {
    return new Undefined(
        "'%s object' has no attribute '%s'".formatted(base.typeName(), name), false);
  }

  static Undefined forbidden(Value base, String name) {
    return new Undefined(
        "access to attribute '%s' of '%s' object is unsafe".formatted(name, base.typeName()), true);
  }

  JinjaException failure() {
    return forbidden ? JinjaException.forbidden(message) : JinjaException.undefined(message);
  }

  @Override
  public String typeName() {
    return "Undefined";
  }

  @Override
  public boolean isTrue() {
    return false;
  }

  @Override
  public int length() {
    return 0;
  }

  @Override
  public List<Value> items(Env env) {
    return List.of();
  }

  @Override
  public Value attribute(String name) {
    throw failure();
  }

  @Override
  public Value item(Value key) {
    throw failure();
  }

  @Override
  public Value call(Env env, Arguments arguments) {
    throw failure();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Undefined;
  }

  @Override
  public int hashCode() {
    return Undefined.class.hashCode();
  }
}
