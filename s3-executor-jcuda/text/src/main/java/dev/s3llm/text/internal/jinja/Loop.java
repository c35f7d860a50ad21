package dev.s3llm.text.internal.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop} of one run of a {@code for} statement. */
final class Loop implements Value {
  private final Statements.For statement;
  private final List<Value> items;
  private final int depth;
  private final Scope outer;
  private int index;
  private @Nullable List<Value> lastChanged;

  Loop(Statements.For statement, List<Value> items, int depth, Scope outer) {
    this.statement = statement;
    this.items = items;
    this.depth = depth;
    this.outer = outer;
  }

  /** Moves to an item. */
  void moveTo(int item) {
    index = item;
  }

  /** Returns the index of the current item, from 0. */
  int index() {
    return index;
  }

  @Override
  public String typeName() {
    return "LoopContext";
  }

  @Override
  public int length() {
    return items.size();
  }

  @Override
  public @Nullable Value attribute(String name) {
    int size = items.size();
    return switch (name) {
      case "index" -> Int.of(index + 1);
      case "index0" -> Int.of(index);
      case "revindex" -> Int.of(size - index);
      case "revindex0" -> Int.of(size - index - 1);
      case "first" -> Bool.of(index == 0);
      case "last" -> Bool.of(index == size - 1);
      case "length" -> Int.of(size);
      case "depth" -> Int.of(depth + 1);
      case "depth0" -> Int.of(depth);
      case "previtem" ->
          index > 0 ? items.get(index - 1) : Undefined.because("there is no previous item");
      case "nextitem" ->
          index + 1 < size ? items.get(index + 1) : Undefined.because("there is no next item");
      case "cycle" -> new Function(name, (env, args) -> cycle(args.positional()));
      case "changed" -> new Function(name, (env, args) -> Bool.of(changed(env, args.positional())));
      default -> null;
    };
  }

  private Value cycle(List<Value> values) {
    if (values.isEmpty()) {
      throw JinjaException.runtime("no items for cycling given");
    }
    return values.get(index % values.size());
  }

  private boolean changed(Env env, List<Value> values) {
    boolean same = lastChanged != null && lastChanged.size() == values.size();
    for (int i = 0; same && lastChanged != null && i < values.size(); i++) {
      same = Operators.equal(env, lastChanged.get(i), values.get(i));
    }
    lastChanged = values;
    return !same;
  }

  /** Runs the statement again for other items: {@code loop(item.children)}. */
  @Override
  public Value call(Env env, Arguments arguments) {
    if (!statement.recursive()) {
      throw JinjaException.runtime("the loop must have the 'recursive' marker to be called");
    }
    Value iterable = arguments.bind("loop", 1, "iterable").value(0);
    env.budget().enterCall();
    Text text = env.capture(() -> statement.run(env, iterable, depth + 1, outer));
    env.budget().leaveCall();
    return text;
  }
}
