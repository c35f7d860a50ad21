package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The nodes of expressions, each of which evaluates itself. {@code at} is the offset in the source
 * that a failure names. Operators of equal precedence are one node, so that long chains do not
 * nest.
 */
final class Expressions {
  private Expressions() {}

  /** A literal. */
  record Constant(Value value) implements Expr {
    @Override
    public Value eval(Env env) {
      return value;
    }
  }

  /** A variable. */
  record Name(String name, int at) implements Expr {
    @Override
    public Value eval(Env env) {
      env.at(at);
      Value value = env.variable(name);
      return value == null ? Undefined.variable(name) : value;
    }
  }

  /** A list or a tuple. */
  record Items(List<Expr> items, Sequence.Kind kind) implements Expr {
    @Override
    public Value eval(Env env) {
      env.budget().items(items.size());
      List<Value> values = new ArrayList<>(items.size());
      for (Expr item : items) {
        values.add(env.eval(item));
      }
      return Sequence.of(kind, values);
    }
  }

  /** A mapping. */
  record Entries(List<Map.Entry<Expr, Expr>> entries, int at) implements Expr {
    @Override
    public Value eval(Env env) {
      env.budget().items(entries.size());
      Dict dict = new Dict();
      for (Map.Entry<Expr, Expr> entry : entries) {
        Value key = env.eval(entry.getKey());
        Value value = env.eval(entry.getValue());
        env.at(at);
        dict.put(key, value);
      }
      return dict;
    }
  }

  /** {@code base.name}: an attribute, or else an item. */
  record Attribute(Expr base, Text name, int at) implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(base);
      env.at(at);
      Value found = Lookup.attribute(value, name.chars());
      found = found == null ? value.item(name) : found;
      return found == null ? Undefined.attribute(value, name.chars()) : found;
    }
  }

  /** {@code base[key]}: an item, or else an attribute. */
  record Item(Expr base, Expr key, int at) implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(base);
      Value index = env.eval(key);
      env.at(at);
      return Lookup.item(value, index);
    }
  }

  /** {@code base[from:to:step]}. */
  record Slice(Expr base, @Nullable Expr from, @Nullable Expr to, @Nullable Expr step, int at)
      implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(base);
      Value start = from == null ? null : env.eval(from);
      Value end = to == null ? null : env.eval(to);
      Value by = step == null ? null : env.eval(step);
      env.at(at);
      return Operators.slice(env, value, start, end, by);
    }
  }

  /** A call of a function, method or macro. */
  record Call(Expr function, CallArguments arguments, int at) implements Expr {
    @Override
    public Value eval(Env env) {
      return eval(env, null);
    }

    /** Evaluates the call with the block that a macro sees as {@code caller}. */
    Value eval(Env env, @Nullable Macro caller) {
      Value callee = env.eval(function);
      Arguments given = arguments.eval(env);
      env.at(at);
      return callee.call(env, caller == null ? given : given.with("caller", caller));
    }
  }

  /** {@code input|name(…)}; the filter is null if its name is unknown, but may never be used. */
  record Filtered(Expr input, String name, @Nullable Filter filter, CallArguments arguments, int at)
      implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(input);
      Arguments given = arguments.eval(env);
      env.at(at);
      if (filter == null) {
        throw JinjaException.runtime("%s", Filters.unknown(name));
      }
      return filter.apply(env, value, given);
    }
  }

  /** {@code input is name(…)}; the test is null if its name is unknown, but may never be used. */
  record Tested(Expr input, String name, @Nullable Test test, CallArguments arguments, int at)
      implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(input);
      Arguments given = arguments.eval(env);
      env.at(at);
      if (test == null) {
        throw JinjaException.runtime("%s", Tests.unknown(name));
      }
      return Bool.of(test.test(env, value, given));
    }
  }

  /** {@code not operand}. */
  record Not(Expr operand) implements Expr {
    @Override
    public Value eval(Env env) {
      return Bool.of(!env.eval(operand).isTrue());
    }
  }

  /** {@code -operand} or {@code +operand}. */
  record Sign(Expr operand, boolean minus, int at) implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(operand);
      env.at(at);
      return minus ? Numbers.negate(value) : Numbers.calculate("+", Int.of(0), value);
    }
  }

  /** {@code a and b and …}: the first operand that is false, or the last. */
  record And(List<Expr> operands) implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(operands.get(0));
      for (int i = 1; i < operands.size() && value.isTrue(); i++) {
        value = env.eval(operands.get(i));
      }
      return value;
    }
  }

  /** {@code a or b or …}: the first operand that is true, or the last. */
  record Or(List<Expr> operands) implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(operands.get(0));
      for (int i = 1; i < operands.size() && !value.isTrue(); i++) {
        value = env.eval(operands.get(i));
      }
      return value;
    }
  }

  /** An operator, and the operand on its right. */
  record Operation(String operator, Expr operand, int at) {}

  /** {@code a + b - …}, from the left. */
  record Arithmetic(Expr first, List<Operation> operations) implements Expr {
    @Override
    public Value eval(Env env) {
      Value value = env.eval(first);
      for (Operation operation : operations) {
        Value operand = env.eval(operation.operand());
        env.at(operation.at());
        value = apply(env, operation.operator(), value, operand);
      }
      return value;
    }

    private static Value apply(Env env, String operator, Value a, Value b) {
      return switch (operator) {
        case "+" -> Operators.add(env, a, b);
        case "*" -> Operators.multiply(env, a, b);
        case "%" ->
            a instanceof Text text
                ? PercentFormat.format(env, text, b)
                : Numbers.calculate(operator, a, b);
        default -> Numbers.calculate(operator, a, b);
      };
    }
  }

  /** {@code a ~ b ~ …}. */
  record Concatenation(List<Expr> operands, int at) implements Expr {
    @Override
    public Value eval(Env env) {
      TextBuilder out = new TextBuilder(env.budget());
      for (Expr operand : operands) {
        Value value = env.eval(operand);
        env.at(at);
        out.append(value);
      }
      return out.toText();
    }
  }

  /** {@code a < b <= …}: true if each neighbouring pair is. */
  record Comparison(Expr first, List<Operation> operations) implements Expr {
    @Override
    public Value eval(Env env) {
      Value left = env.eval(first);
      for (Operation operation : operations) {
        Value right = env.eval(operation.operand());
        env.at(operation.at());
        if (!Lookup.compares(env, operation.operator(), left, right)) {
          return Bool.FALSE;
        }
        left = right;
      }
      return Bool.TRUE;
    }
  }

  /** {@code yes if test else no}. */
  record Conditional(Expr yes, Expr test, @Nullable Expr no) implements Expr {
    @Override
    public Value eval(Env env) {
      if (env.eval(test).isTrue()) {
        return env.eval(yes);
      }
      return no == null
          ? Undefined.because("the condition is false and there is no else")
          : env.eval(no);
    }
  }
}
