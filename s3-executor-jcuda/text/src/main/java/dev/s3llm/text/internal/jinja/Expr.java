package dev.s3llm.text.internal.jinja;

/** An expression of a template. Call {@link Env#eval}, which bounds the depth, not this method. */
@FunctionalInterface
interface Expr {
  Value eval(Env env);
}
