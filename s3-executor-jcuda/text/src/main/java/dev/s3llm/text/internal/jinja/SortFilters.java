package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The filters that compare the items of sequences; texts without regard to case by default. */
final class SortFilters {
  private SortFilters() {}

  static void addTo(Map<String, Filter> filters) {
    filters.put("sort", SortFilters::sort);
    filters.put("dictsort", SortFilters::dictSort);
    filters.put("unique", SortFilters::unique);
    filters.put("groupby", SortFilters::groupBy);
    filters.put("min", (env, value, args) -> extreme(env, value, args, "min"));
    filters.put("max", (env, value, args) -> extreme(env, value, args, "max"));
  }

  /** Returns what items are compared by: an attribute, in lower case unless case matters. */
  private static Function<Value, Value> key(
      Env env, @Nullable Value attribute, boolean caseSensitive) {
    Function<Value, Value> path = Lookup.path(attribute);
    return caseSensitive ? path : item -> lower(env, path.apply(item));
  }

  private static Value lower(Env env, Value value) {
    return value instanceof Text text ? text.map(env, s -> s.toLowerCase(Locale.ROOT)) : value;
  }

  private static Value sort(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
    List<Function<Value, Value>> keys = new ArrayList<>();
    if (bound.get(2) instanceof Text names) {
      for (String name : Lookup.shortName(names).split(",", -1)) {
        keys.add(key(env, Text.of(name), bound.flag(1)));
      }
    } else {
      keys.add(key(env, bound.get(2), bound.flag(1)));
    }
    Function<Value, Value> all = // a list also for one key: equal items need no order then
        item -> Sequence.of(Sequence.Kind.LIST, keys.stream().map(k -> k.apply(item)).toList());
    return Sequence.list(env, sorted(env, value.items(env), all, bound.flag(0)));
  }

  /** Returns the items in the order of their keys; equal ones keep their order. */
  private static List<Value> sorted(
      Env env, List<Value> items, Function<Value, Value> key, boolean descending) {
    List<Map.Entry<Value, Value>> keyed = new ArrayList<>(items.size());
    for (Value item : items) {
      env.budget().step();
      keyed.add(Map.entry(key.apply(item), item));
    }
    Comparator<Map.Entry<Value, Value>> order =
        (a, b) -> Operators.compare(env, a.getKey(), b.getKey());
    keyed.sort(descending ? order.reversed() : order);
    return new ArrayList<>(keyed.stream().map(Map.Entry::getValue).toList());
  }

  private static Value dictSort(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
    String by = bound.has(1) ? bound.text(1).chars() : "key";
    if (!by.equals("key") && !by.equals("value")) {
      throw JinjaException.runtime("dictsort sorts by 'key' or 'value', not '%s'", by);
    }
    if (!(value instanceof Dict dict)) {
      throw value instanceof Undefined undefined
          ? undefined.failure()
          : JinjaException.runtime("'%s' object has no items to sort", value.typeName());
    }
    Function<Value, Value> key = key(env, Int.of(by.equals("key") ? 0 : 1), bound.flag(0));
    return Sequence.list(env, sorted(env, dict.pairs(), key, bound.flag(2)));
  }

  private static Value unique(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("unique", 0, "case_sensitive", "attribute");
    Function<Value, Value> key = key(env, bound.get(1), bound.flag(0));
    Set<Object> seen = new HashSet<>();
    List<Value> unique = new ArrayList<>();
    for (Value item : value.items(env)) {
      env.budget().step();
      if (seen.add(Dict.hashed(key.apply(item)))) {
        unique.add(item);
      }
    }
    return Sequence.iterator(env, unique);
  }

  private static Value groupBy(Env env, Value value, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("groupby", 1, "attribute", "default", "case_sensitive");
    Function<Value, Value> path = Lookup.path(bound.value(0));
    Function<Value, Value> grouper =
        item -> {
          Value found = path.apply(item);
          return found instanceof Undefined && bound.has(1) ? bound.value(1) : found;
        };
    Function<Value, Value> key = bound.flag(2) ? grouper : item -> lower(env, grouper.apply(item));
    List<Value> groups = new ArrayList<>();
    List<Value> group = new ArrayList<>();
    for (Value item : sorted(env, value.items(env), key, false)) {
      if (!group.isEmpty() && !Operators.equal(env, key.apply(group.get(0)), key.apply(item))) {
        groups.add(group(env, grouper, group));
        group = new ArrayList<>();
      }
      group.add(item);
    }
    if (!group.isEmpty()) {
      groups.add(group(env, grouper, group));
    }
    return Sequence.list(env, groups);
  }

  private static Value group(Env env, Function<Value, Value> grouper, List<Value> items) {
    return Sequence.of(
        Sequence.Kind.GROUP, List.of(grouper.apply(items.get(0)), Sequence.list(env, items)));
  }

  private static Value extreme(Env env, Value value, Arguments arguments, String name) {
    Arguments.Bound bound = arguments.bind(name, 0, "case_sensitive", "attribute");
    Function<Value, Value> key = key(env, bound.get(1), bound.flag(0));
    Value best = null;
    for (Value item : value.items(env)) {
      int order = best == null ? 0 : Operators.compare(env, key.apply(item), key.apply(best));
      if (best == null || (name.equals("min") ? order < 0 : order > 0)) {
        best = item;
      }
    }
    return best == null ? Undefined.because("No aggregated item, sequence was empty.") : best;
  }
}
