package dev.s3llm.text.internal.jinja;

/** A test: {@code value is name(arguments)}. */
@FunctionalInterface
interface Test {
  boolean test(Env env, Value value, Arguments arguments);
}
