package dev.s3llm.text.internal.grammar;

import java.util.List;

/** Programs of plain languages. */
public final class Texts {
  private Texts() {}

  /**
   * Compiles a regular expression, which describes the whole text.
   *
   * @throws IllegalArgumentException if it is not valid or not regular
   */
  public static Program regex(String pattern) {
    return ProgramCompiler.compile(new Rule("the expression", Regexes.whole(pattern)));
  }

  /** Compiles a choice of texts. */
  public static Program choice(List<String> texts) {
    List<Expr> choices = texts.stream().map(Expr::text).toList();
    return ProgramCompiler.compile(new Rule("the choice", new Expr.Alt(choices)));
  }
}
