package dev.s3llm.text.internal.jinja;

/** A filter: {@code value|name(arguments)}. */
@FunctionalInterface
interface Filter {
  Value apply(Env env, Value value, Arguments arguments);
}
