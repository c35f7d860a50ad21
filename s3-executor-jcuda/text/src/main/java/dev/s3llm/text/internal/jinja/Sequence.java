package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A list, tuple, range, view of a mapping, or iterator. Only what an iterator has left changes. */
final class Sequence implements Value {
  /** The kinds of sequences, each with what Python can do with it. */
  enum Kind {
    LIST("list", "[", "]"),
    TUPLE("tuple", "(", ")"),
    /** A pair of {@code groupby}: a tuple with the attributes grouper and list. */
    GROUP("tuple", "(", ")"),
    RANGE("range", "range(", ")"),
    KEYS("dict_keys", "dict_keys([", "])"),
    VALUES("dict_values", "dict_values([", "])"),
    ITEMS("dict_items", "dict_items([", "])"),
    /** What most filters return: its items can be read once, and it has no length. */
    ITERATOR("generator", "", "");

    private final String typeName;
    private final String open;
    private final String close;

    Kind(String typeName, String open, String close) {
      this.typeName = typeName;
      this.open = open;
      this.close = close;
    }

    boolean hasIndex() {
      return isListOrTuple() || this == RANGE;
    }

    boolean isListOrTuple() {
      return this == LIST || this == TUPLE || this == GROUP;
    }

    /** Returns what is written before the items. */
    String open() {
      return open;
    }

    /** Returns what is written after the items. */
    String close() {
      return close;
    }

    Kind sliced() {
      return this == GROUP ? TUPLE : this;
    }
  }

  private final Kind kind;
  private final List<Value> written;
  private List<Value> items;

  private Sequence(Kind kind, List<Value> items, List<Value> written) {
    this.kind = kind;
    this.items = items;
    this.written = written;
  }

  /** Returns a sequence of items that are already counted and that nobody changes. */
  static Sequence of(Kind kind, List<Value> items) {
    return new Sequence(kind, items, items);
  }

  /** Returns a range, with the arguments that are written for it. */
  static Sequence range(List<Value> items, List<Value> arguments) {
    return new Sequence(Kind.RANGE, items, arguments);
  }

  static Sequence list(Env env, List<Value> items) {
    env.budget().items(items.size());
    return of(Kind.LIST, items);
  }

  static Sequence tuple(Value... items) {
    return of(Kind.TUPLE, List.of(items));
  }

  static Sequence iterator(Env env, List<Value> items) {
    env.budget().items(items.size());
    return of(Kind.ITERATOR, items);
  }

  /**
   * Returns the index that a key means in so many items, counted from the end if negative; or -1.
   */
  static int index(Value key, int size) {
    int given =
        key instanceof Int number ? number.clamped() : key instanceof Bool b ? b.asInt() : size;
    int index = given < 0 ? given + size : given;
    return index < size ? Math.max(index, -1) : -1;
  }

  Kind kind() {
    return kind;
  }

  /** Returns the items, without reading them from an iterator. */
  List<Value> view() {
    return Collections.unmodifiableList(items);
  }

  /** Returns what stands between the brackets where the sequence is written as text. */
  List<Value> written() {
    if (kind == Kind.ITERATOR || (kind == Kind.RANGE && written == items)) {
      throw JinjaException.runtime(
          kind == Kind.RANGE
              ? "a slice of a range is written as text; add |list"
              : "a generator is written as text; add |list");
    }
    return written;
  }

  @Override
  public String typeName() {
    return kind.typeName;
  }

  @Override
  public boolean isTrue() {
    return kind == Kind.ITERATOR || !items.isEmpty();
  }

  @Override
  public int length() {
    return kind == Kind.ITERATOR ? -1 : items.size();
  }

  @Override
  public List<Value> items(Env env) {
    List<Value> all = items;
    if (kind == Kind.ITERATOR) {
      items = List.of();
    }
    return all;
  }

  @Override
  public @Nullable Value item(Value key) {
    int index = kind.hasIndex() ? index(key, items.size()) : -1;
    return index < 0 ? null : items.get(index);
  }

  @Override
  public @Nullable Value attribute(String name) {
    if (kind == Kind.GROUP && (name.equals("grouper") || name.equals("list"))) {
      return items.get(name.equals("list") ? 1 : 0);
    }
    return switch (name) {
      case "index", "count" -> kind.hasIndex() ? search(name) : null;
      case "copy" -> kind == Kind.LIST ? new Function(name, (env, args) -> this) : null;
      case "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort" ->
          kind == Kind.LIST ? Undefined.forbidden(this, name) : null;
      default -> null;
    };
  }

  private Function search(String name) {
    return new Function(
        name,
        (env, args) -> {
          Value sought = args.bind(name, 1, "value").value(0);
          List<Integer> found = new ArrayList<>();
          for (int i = 0; i < items.size(); i++) {
            if (Operators.equal(env, items.get(i), sought)) {
              found.add(i);
            }
          }
          if (name.equals("index") && found.isEmpty()) {
            throw JinjaException.runtime("the value is not in the %s", typeName());
          }
          return Int.of(name.equals("index") ? found.get(0) : found.size());
        });
  }
}
