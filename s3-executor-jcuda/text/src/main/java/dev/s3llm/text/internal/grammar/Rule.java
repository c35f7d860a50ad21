package dev.s3llm.text.internal.grammar;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A named part of a grammar, which may refer to itself. The body is set once. */
public final class Rule {
  private final String name;
  private @Nullable Expr body;

  /**
   * Creates a rule without body.
   *
   * @param name for messages
   */
  public Rule(String name) {
    this.name = name;
  }

  /**
   * Creates a rule.
   *
   * @param name for messages
   * @param body what the rule stands for
   */
  public Rule(String name, Expr body) {
    this.name = name;
    this.body = body;
  }

  String name() {
    return name;
  }

  Expr body() {
    return Objects.requireNonNull(body, name);
  }

  boolean isDefined() {
    return body != null;
  }

  void define(Expr newBody) {
    if (body != null) {
      throw new IllegalStateException("the rule " + name + " is defined twice");
    }
    body = newBody;
  }

  Expr call() {
    return new Expr.Call(this);
  }
}
