package dev.s3llm.text.internal.jinja;

/**
 * A function that templates call: a global one or a method bound to its value.
 *
 * @param name what templates call it
 * @param body what it does
 */
record Function(String name, Body body) implements Value {
  /** What a function does. */
  @FunctionalInterface
  interface Body {
    Value call(Env env, Arguments arguments);
  }

  @Override
  public String typeName() {
    return "function";
  }

  @Override
  public Value call(Env env, Arguments arguments) {
    return body.call(env, arguments);
  }
}
