package dev.s3llm.text.internal.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A mapping in the order of its insertions; it does not change once it is built. */
final class Dict implements Value {
  /**
   * The entries by their keys in the form in which Python compares them: 1, 1.0 and true are one.
   */
  private final Map<Object, Map.Entry<Value, Value>> entries = new LinkedHashMap<>();

  /** Adds an entry while the mapping is built. A key that is there keeps its place. */
  void put(Value key, Value value) {
    Object hash = hashed(key);
    Map.Entry<Value, Value> known = entries.get(hash);
    entries.put(hash, Map.entry(known == null ? key : known.getKey(), value));
  }

  /** Returns a key's form for a hash table. */
  static Object hashed(Value key) {
    if (key instanceof Bool bool) {
      return Int.of(bool.asInt());
    }
    if (key instanceof Real real
        && Double.isFinite(real.value())
        && real.value() == Math.rint(real.value())) {
      return new Int(new BigDecimal(real.value()).toBigInteger());
    }
    if (key instanceof Sequence sequence && isTuple(sequence)) {
      return sequence.view().stream().map(Dict::hashedItem).toList();
    }
    if (key instanceof Sequence || key instanceof Dict) {
      throw JinjaException.runtime("unhashable type: '%s'", key.typeName());
    }
    return key;
  }

  private static boolean isTuple(Sequence sequence) {
    return sequence.kind().hasIndex() && sequence.kind() != Sequence.Kind.LIST;
  }

  /** Tuples in tuples are no keys here: few of them can hold more items than any limit. */
  private static Object hashedItem(Value item) {
    if (item instanceof Sequence) {
      throw JinjaException.runtime("a '%s' in a tuple cannot be hashed", item.typeName());
    }
    return hashed(item);
  }

  @Nullable Value get(Value key) {
    Map.Entry<Value, Value> entry = entries.get(hashed(key));
    return entry == null ? null : entry.getValue();
  }

  Collection<Map.Entry<Value, Value>> entries() {
    return entries.values();
  }

  @Override
  public String typeName() {
    return "dict";
  }

  @Override
  public boolean isTrue() {
    return !entries.isEmpty();
  }

  @Override
  public int length() {
    return entries.size();
  }

  @Override
  public List<Value> items(Env env) {
    env.budget().items(entries.size());
    return keys();
  }

  List<Value> keys() {
    List<Value> keys = new ArrayList<>(entries.size());
    entries.values().forEach(entry -> keys.add(entry.getKey()));
    return keys;
  }

  /** Returns the entries as tuples of two. */
  List<Value> pairs() {
    List<Value> pairs = new ArrayList<>(entries.size());
    entries.values().forEach(e -> pairs.add(Sequence.tuple(e.getKey(), e.getValue())));
    return pairs;
  }

  private List<Value> values() {
    List<Value> values = new ArrayList<>(entries.size());
    entries.values().forEach(entry -> values.add(entry.getValue()));
    return values;
  }

  @Override
  public @Nullable Value item(Value key) {
    boolean hashable =
        !(key instanceof Dict) && !(key instanceof Sequence s && s.kind() == Sequence.Kind.LIST);
    return hashable ? get(key) : null;
  }

  @Override
  public @Nullable Value attribute(String name) {
    return switch (name) {
      case "get" -> new Function(name, this::get);
      case "items" -> view(name, Sequence.Kind.ITEMS);
      case "keys" -> view(name, Sequence.Kind.KEYS);
      case "values" -> view(name, Sequence.Kind.VALUES);
      case "copy" -> new Function(name, (env, args) -> this);
      case "clear", "pop", "popitem", "setdefault", "update" -> Undefined.forbidden(this, name);
      default -> null;
    };
  }

  private Value get(Env env, Arguments arguments) {
    Arguments.Bound bound = arguments.bind("get", 1, "key", "default");
    Value value = get(bound.value(0));
    return value == null ? bound.value(1, None.NONE) : value;
  }

  private Function view(String name, Sequence.Kind kind) {
    return new Function(
        name,
        (env, arguments) -> {
          arguments.bind(name, 0);
          env.budget().items(entries.size());
          return Sequence.of(
              kind,
              switch (kind) {
                case KEYS -> keys();
                case VALUES -> values();
                default -> pairs();
              });
        });
  }
}
