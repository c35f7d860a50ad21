package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The nodes of statements, each of which runs itself. */
final class Statements {
  private Statements() {}

  /** A text of the template. */
  record Data(Text text) implements Stmt {
    @Override
    public Flow run(Env env) {
      env.out().append(text);
      return Flow.NORMAL;
    }
  }

  /** {@code {{ value }}}. */
  record Output(Expr value, int at) implements Stmt {
    @Override
    public Flow run(Env env) {
      Value written = env.eval(value);
      env.at(at);
      env.out().append(written);
      return Flow.NORMAL;
    }
  }

  /** A condition and what to run if it is true. */
  record Branch(Expr test, List<Stmt> body) {}

  /** {@code if … elif … else}. */
  record If(List<Branch> branches, List<Stmt> otherwise) implements Stmt {
    @Override
    public Flow run(Env env) {
      for (Branch branch : branches) {
        if (env.eval(branch.test()).isTrue()) {
          return env.run(branch.body());
        }
      }
      return env.run(otherwise);
    }
  }

  /** {@code for target in iterable if test}; each round has variables of its own. */
  record For(
      Target target,
      Expr iterable,
      @Nullable Expr test,
      boolean recursive,
      List<Stmt> body,
      List<Stmt> otherwise,
      int at)
      implements Stmt {
    @Override
    public Flow run(Env env) {
      run(env, env.eval(iterable), 0, env.scope());
      return Flow.NORMAL;
    }

    void run(Env env, Value value, int depth, Scope outer) {
      env.at(at);
      List<Value> items = selected(env, value.items(env), outer);
      Loop loop = new Loop(this, items, depth, outer);
      boolean completed = false;
      Flow flow = Flow.NORMAL;
      for (int i = 0; i < items.size() && flow != Flow.BREAK; i++) {
        Scope round = new Scope(outer);
        env.at(at);
        env.budget().step(); // a round with its variables costs more than an operation
        loop.moveTo(i);
        target.assign(env, round, items.get(i));
        round.set("loop", loop);
        flow = env.runIn(round, body);
        completed |= flow == Flow.NORMAL;
      }
      if (!completed) { // Jinja runs the else part also where no round reached its end
        env.runIn(new Scope(outer), otherwise);
      }
    }

    private List<Value> selected(Env env, List<Value> items, Scope outer) {
      if (test == null) {
        return items;
      }
      List<Value> selected = new ArrayList<>();
      for (Value item : items) {
        Scope round = new Scope(outer);
        env.at(at);
        target.assign(env, round, item);
        if (env.evalIn(round, test).isTrue()) {
          selected.add(item);
        }
      }
      return selected;
    }
  }

  /** {@code set target = value}. */
  record Set(Target target, Expr value, int at) implements Stmt {
    @Override
    public Flow run(Env env) {
      Value assigned = env.eval(value);
      env.at(at);
      target.assign(env, env.scope(), assigned);
      return Flow.NORMAL;
    }
  }

  /** {@code set target} … {@code endset}: the value is what the body writes. */
  record SetBlock(Target target, Expr filtered, List<Stmt> body, int at) implements Stmt {
    @Override
    public Flow run(Env env) {
      Value written = filter(env, filtered, body);
      env.at(at);
      target.assign(env, env.scope(), written);
      return Flow.NORMAL;
    }
  }

  /** {@code filter name} … {@code endfilter}. */
  record FilterBlock(Expr filtered, List<Stmt> body, int at) implements Stmt {
    @Override
    public Flow run(Env env) {
      Value written = filter(env, filtered, body);
      env.at(at);
      env.out().append(written);
      return Flow.NORMAL;
    }
  }

  private static Value filter(Env env, Expr filtered, List<Stmt> body) {
    Scope inner = new Scope(env.scope());
    env.setCaptured(env.capture(() -> env.runIn(inner, body)));
    return env.eval(filtered);
  }

  /** {@code with a = 1}; the values see the variables outside. */
  record With(List<Target> targets, List<Expr> values, List<Stmt> body) implements Stmt {
    @Override
    public Flow run(Env env) {
      Scope inner = new Scope(env.scope());
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(env, inner, env.eval(values.get(i)));
      }
      return env.runIn(inner, body);
    }
  }

  /** {@code macro name(…)}. */
  record Define(Macro.Definition macro) implements Stmt {
    @Override
    public Flow run(Env env) {
      env.scope().set(macro.name(), new Macro(macro, env.scope()));
      return Flow.NORMAL;
    }
  }

  /** {@code call macro(…)} … {@code endcall}. */
  record CallBlock(Expressions.Call call, Macro.Definition caller) implements Stmt {
    @Override
    public Flow run(Env env) {
      Value written = call.eval(env, new Macro(caller, env.scope()));
      env.at(call.at());
      env.out().append(written);
      return Flow.NORMAL;
    }
  }

  /** A part with variables of its own: {@code generation}, and {@code block}. */
  record Part(List<Stmt> body, boolean seesAll) implements Stmt {
    @Override
    public Flow run(Env env) {
      return env.runIn(new Scope(seesAll ? env.scope() : env.scope().root()), body);
    }
  }
}
