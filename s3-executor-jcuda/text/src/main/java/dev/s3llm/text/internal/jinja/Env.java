package dev.s3llm.text.internal.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The state of one rendering: what it has written and used, the variables, and where it is. */
final class Env {
  private final Budget budget;
  private Scope scope;
  private TextBuilder out;
  private int offset;

  /** What the block around the current filter chain wrote. */
  private Text captured = Text.EMPTY;

  Env(Budget budget, Scope scope) {
    this.budget = budget;
    this.scope = scope;
    this.out = new TextBuilder(budget);
  }

  Budget budget() {
    return budget;
  }

  Scope scope() {
    return scope;
  }

  TextBuilder out() {
    return out;
  }

  Text captured() {
    return captured;
  }

  void setCaptured(Text text) {
    captured = text;
  }

  /** Counts an operation, and notes its place in the source for failures. */
  void at(int place) {
    budget.step();
    offset = place;
  }

  int offset() {
    return offset;
  }

  Value eval(Expr expression) {
    budget.enter();
    Value value = expression.eval(this);
    budget.leave();
    return value;
  }

  /** Returns a variable, or null if it is not there. */
  @Nullable Value variable(String name) {
    return scope.get(name);
  }

  /** Runs statements until one of them breaks the order. */
  Stmt.Flow run(List<Stmt> body) {
    budget.enter();
    Stmt.Flow flow = Stmt.Flow.NORMAL;
    for (int i = 0; i < body.size() && flow == Stmt.Flow.NORMAL; i++) {
      flow = body.get(i).run(this);
    }
    budget.leave();
    return flow;
  }

  /** Runs statements with variables of their own. */
  Stmt.Flow runIn(Scope inner, List<Stmt> body) {
    Scope before = scope;
    scope = inner;
    Stmt.Flow flow = run(body);
    scope = before;
    return flow;
  }

  /** Returns the value of an expression that sees the variables of another scope. */
  Value evalIn(Scope inner, Expr expression) {
    Scope before = scope;
    scope = inner;
    Value value = eval(expression);
    scope = before;
    return value;
  }

  /** Returns what an action writes, instead of writing it. */
  Text capture(Runnable action) {
    TextBuilder before = out;
    out = new TextBuilder(budget);
    action.run();
    Text text = out.toText();
    out = before;
    return text;
  }
}
