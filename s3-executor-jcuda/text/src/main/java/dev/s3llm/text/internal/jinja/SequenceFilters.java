package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The filters of sequences that keep the order, or turn it round. */
final class SequenceFilters {
  private SequenceFilters() {}

  static void addTo(Map<String, Filter> filters) {
    filters.put("first", (env, v, args) -> firstOf(v.items(env)));
    filters.put("last", SequenceFilters::last);
    filters.put("list", (env, v, args) -> Sequence.list(env, v.items(env)));
    filters.put("items", (env, v, args) -> items(env, v));
    filters.put("join", SequenceFilters::join);
    filters.put("reverse", (env, v, args) -> reverse(env, v));
    filters.put("map", SequenceFilters::map);
    filters.put("select", (env, v, args) -> select(env, v, args, false, true));
    filters.put("reject", (env, v, args) -> select(env, v, args, false, false));
    filters.put("selectattr", (env, v, args) -> select(env, v, args, true, true));
    filters.put("rejectattr", (env, v, args) -> select(env, v, args, true, false));
    filters.put("sum", SequenceFilters::sum);
    filters.put("batch", SequenceFilters::batch);
    filters.put("slice", SequenceFilters::slice);
  }

  private static Value firstOf(List<Value> items) {
    return items.isEmpty() ? Undefined.because("No first item, sequence was empty.") : items.get(0);
  }

  private static Value last(Env env, Value value, Arguments arguments) {
    if (value instanceof Sequence sequence && sequence.kind() == Sequence.Kind.ITERATOR) {
      throw JinjaException.runtime("'generator' object is not reversible; add |list");
    }
    List<Value> items = value.items(env);
    return items.isEmpty()
        ? Undefined.because("No last item, sequence was empty.")
        : items.get(items.size() - 1);
  }

  private static Value items(Env env, Value value) {
    if (value instanceof Undefined) {
      return Sequence.iterator(env, List.of());
    }
    if (value instanceof Dict dict) {
      return Sequence.iterator(env, dict.pairs());
    }
    throw JinjaException.runtime("Can only get item pairs from a mapping.");
  }

  private static Value join(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("join", 0, "d", "attribute");
    Text separator = Repr.text(env, bound.value(0, Text.EMPTY));
    Function<Value, Value> path = Lookup.path(bound.get(1));
    TextBuilder out = new TextBuilder(env.budget());
    boolean first = true;
    for (Value item : value.items(env)) {
      env.budget().step();
      out.append(first ? Text.EMPTY : separator).append(path.apply(item));
      first = false;
    }
    return out.toText();
  }

  private static Value reverse(Env env, Value value) {
    if (value instanceof Text text) {
      return Operators.slice(env, text, null, null, Int.of(-1));
    }
    boolean iterator = value instanceof Sequence s && s.kind() == Sequence.Kind.ITERATOR;
    List<Value> items = new ArrayList<>(value.items(env));
    Collections.reverse(items);
    return iterator ? Sequence.list(env, items) : Sequence.iterator(env, items);
  }

  private static Value map(Env env, Value value, Arguments arguments) {
    if (!value.isTrue()) {
      return Sequence.iterator(env, List.of());
    }
    Function<Value, Value> change;
    if (arguments.positional().isEmpty()) {
      Arguments.Bound bound = arguments.bind("map", 1, "attribute", "default");
      Function<Value, Value> path = Lookup.path(bound.value(0));
      change =
          item -> {
            Value found = path.apply(item);
            return found instanceof Undefined && bound.has(1) ? bound.value(1) : found;
          };
    } else {
      String name = arguments.bindFirst("map").chars();
      Filter filter = Filters.find(name);
      if (filter == null) {
        throw JinjaException.runtime("%s", Filters.unknown(name));
      }
      Arguments rest = arguments.without(1);
      change = item -> filter.apply(env, item, rest);
    }
    List<Value> mapped = new ArrayList<>();
    for (Value item : value.items(env)) {
      env.budget().step();
      mapped.add(change.apply(item));
    }
    return Sequence.iterator(env, mapped);
  }

  /** Keeps the items of which a test, or the truth, is as wanted. */
  private static Value select(
      Env env, Value value, Arguments arguments, boolean byAttribute, boolean wanted) {
    if (!value.isTrue()) {
      return Sequence.iterator(env, List.of());
    }
    List<Value> given = arguments.positional();
    int used = byAttribute ? 1 : 0;
    if (given.size() < used) {
      throw JinjaException.runtime("missing parameter for attribute name");
    }
    Function<Value, Value> path = Lookup.path(byAttribute ? given.get(0) : null);
    Test test = given.size() == used ? (e, v, args) -> v.isTrue() : test(given.get(used));
    Arguments rest = arguments.without(Math.min(used + 1, given.size()));
    List<Value> selected = new ArrayList<>();
    for (Value item : value.items(env)) {
      env.budget().step();
      if (test.test(env, path.apply(item), rest) == wanted) {
        selected.add(item);
      }
    }
    return Sequence.iterator(env, selected);
  }

  private static Test test(Value name) {
    Test test = name instanceof Text text ? Tests.find(text.chars()) : null;
    if (test == null) {
      throw JinjaException.runtime(
          "%s", Tests.unknown(name instanceof Text text ? text.chars() : name.typeName()));
    }
    return test;
  }

  private static Value sum(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("sum", 0, "attribute", "start");
    Function<Value, Value> path = Lookup.path(bound.get(0));
    Value sum = bound.value(1, Int.of(0));
    if (sum instanceof Text) {
      throw JinjaException.runtime("sum() can't sum strings");
    }
    for (Value item : value.items(env)) {
      env.budget().step();
      sum = Operators.add(env, sum, path.apply(item));
    }
    return sum;
  }

  private static Value batch(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("batch", 1, "linecount", "fill_with");
    int size = bound.integer(0, 0);
    env.budget().items(bound.has(1) ? size : 0);
    List<Value> all = value.items(env);
    List<Value> batches = new ArrayList<>();
    for (int i = 0; i < all.size(); i += Math.max(1, size)) {
      List<Value> batch =
          new ArrayList<>(all.subList(i, Math.min(all.size(), i + Math.max(1, size))));
      while (bound.has(1) && batch.size() < size) {
        batch.add(bound.value(1));
      }
      batches.add(Sequence.list(env, batch));
    }
    return Sequence.iterator(env, batches);
  }

  private static Value slice(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("slice", 1, "slices", "fill_with");
    int count = bound.integer(0, 1);
    if (count <= 0) {
      throw JinjaException.runtime("slice needs a number of slices of 1 at least");
    }
    env.budget().items(count);
    List<Value> all = value.items(env);
    List<Value> slices = new ArrayList<>();
    int longer = all.size() % count;
    int start = 0;
    for (int i = 0; i < count; i++) {
      int end = start + all.size() / count + (i < longer ? 1 : 0);
      List<Value> slice = new ArrayList<>(all.subList(start, end));
      if (bound.has(1) && i >= longer) {
        slice.add(bound.value(1));
      }
      slices.add(Sequence.list(env, slice));
      start = end;
    }
    return Sequence.iterator(env, slices);
  }
}
