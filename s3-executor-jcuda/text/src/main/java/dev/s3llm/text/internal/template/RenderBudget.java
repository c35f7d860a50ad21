package dev.s3llm.text.internal.template;

import com.google.common.collect.Iterables;
import com.hubspot.jinjava.objects.Namespace;
import com.hubspot.jinjava.objects.SafeString;
import com.hubspot.jinjava.objects.collections.PyList;
import com.hubspot.jinjava.objects.collections.PyMap;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The limits of one rendering of a template: its work, and the sizes of the values that it reads
 * and makes, each and all together.
 *
 * <p>The weight of a value is the number of its characters plus {@value #ITEM_CHARS}, together with
 * the weights of its parts. A list that holds another twice, which holds another twice, and so on,
 * has few bytes, but to compare or to write it needs unbounded time and memory: such a list is too
 * heavy. Lists and maps are weighed once, because only a namespace can change; and a namespace must
 * not be part of another value. Not thread-safe.
 */
final class RenderBudget {
  /** The largest string, in characters: the longest text of a tokenizer. */
  static final int MAX_CHARS = 4_000_000;

  /** The largest list or map, in items. */
  static final int MAX_ITEMS = 100_000;

  /** The weight of each value in addition to its text. */
  private static final int ITEM_CHARS = 20;

  /** The largest weight of one value: the longest conversation in 50,000 messages. */
  private static final int MAX_WEIGHT = 2 * MAX_CHARS;

  /** The largest weight of all values together, used or not: the longest text fifty times. */
  private static final long MAX_TOTAL = 50L * MAX_CHARS;

  /** The deepest nesting of lists. */
  private static final int MAX_DEPTH = 50;

  /** The longest time. It is generous: the first rendering of a process loads classes. */
  private static final long MAX_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** The most parts that are rendered; a conversation needs a few for each message. */
  private static final int MAX_NODES = 200_000;

  private final long start = System.nanoTime();
  private final IdentityHashMap<Object, Integer> weights = new IdentityHashMap<>();
  private int nodes;
  private long total;

  /** Counts a part of the template that is rendered next. */
  void spend() {
    nodes++;
    use(0); // Jinjava continues after an expression that failed
  }

  /** Counts a value that an expression has read or made. */
  void count(@Nullable Object value) {
    weigh(value, 0);
  }

  private void use(int weight) {
    total += weight;
    if (nodes > MAX_NODES || System.nanoTime() - start > MAX_NANOS) {
      throw new TemplateException("the chat template does too much work");
    }
    if (total > MAX_TOTAL) {
      throw new TemplateException("the chat template takes too much memory");
    }
  }

  private int weigh(@Nullable Object value, int depth) {
    Object bare = bare(value);
    if (bare instanceof Iterable || bare instanceof Map || bare instanceof Map.Entry) {
      return weighParts(bare, depth);
    }
    int weight = ITEM_CHARS + (bare instanceof CharSequence text ? text.length() : 0);
    use(weight);
    return weight;
  }

  private int weighParts(Object bare, int depth) {
    use(ITEM_CHARS);
    Integer known = weights.get(bare);
    if (known != null) {
      return known;
    }
    int weight = ITEM_CHARS;
    for (Object part : parts(bare)) {
      weight += weigh(part, depth + 1);
      requireLight(weight, depth);
    }
    remember(bare, weight, depth);
    return weight;
  }

  private static void requireLight(int weight, int depth) {
    if (weight > MAX_WEIGHT || depth > MAX_DEPTH) {
      throw new TemplateException("the chat template makes a value that is too large");
    }
  }

  private void remember(Object bare, int weight, int depth) {
    if (!(bare instanceof Namespace)) {
      weights.put(bare, weight);
    } else if (depth > 0) {
      throw new TemplateException("the chat template puts a namespace into a value");
    }
  }

  private static Iterable<?> parts(Object bare) {
    if (bare instanceof Map<?, ?> map) {
      return Iterables.concat(map.keySet(), map.values());
    }
    return bare instanceof Map.Entry<?, ?> entry
        ? Arrays.asList(entry.getKey(), entry.getValue())
        : (Iterable<?>) bare;
  }

  /** Returns the content of Jinjava's wrappers, which are new at each reading of a variable. */
  private static @Nullable Object bare(@Nullable Object value) {
    if (value instanceof PyList list) {
      return list.toList();
    }
    if (value instanceof PyMap map && !(map instanceof Namespace)) {
      return map.toMap();
    }
    return value instanceof SafeString safe ? safe.getValue() : value;
  }
}
