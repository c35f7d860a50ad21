package dev.s3llm.text.internal.jinja;

/** A statement or a text of a template. */
@FunctionalInterface
interface Stmt {
  /** How a statement ends. */
  enum Flow {
    NORMAL,
    BREAK,
    CONTINUE
  }

  Flow run(Env env);
}
