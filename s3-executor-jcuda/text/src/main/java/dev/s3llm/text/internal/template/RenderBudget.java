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
 * How much work the rendering of one template may do, and how large the values that it reads and
 * makes may be, each and all together.
 *
 * <p>The weight of a value is the number of its characters and {@value #ITEM_CHARS} for itself,
 * with all that it holds. A list that holds another twice, which holds another twice, and so on,
 * takes a few bytes, but time and memory without end to compare or to write: such a list is too
 * heavy. What a list or map weighs is found out once, because none ever changes but a namespace;
 * and a namespace may be in no other value. Not thread-safe.
 */
final class RenderBudget {
  /** Of a string: what a tokenizer takes. */
  static final int MAX_CHARS = 4_000_000;

  /** Of a list or a map. */
  static final int MAX_ITEMS = 100_000;

  /** What each value weighs beside its text. */
  private static final int ITEM_CHARS = 20;

  /** Of one value: the longest conversation, in fifty thousand messages at most. */
  private static final int MAX_WEIGHT = 2 * MAX_CHARS;

  /** Of all values together, in use or not: enough to read the longest text fifty times. */
  private static final long MAX_TOTAL = 50L * MAX_CHARS;

  /** Of lists in lists. */
  private static final int MAX_DEPTH = 50;

  /** Long: the first rendering of a process loads classes, on a machine that may be busy. */
  private static final long MAX_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Far more than any conversation needs: a few for each message. */
  private static final int MAX_NODES = 200_000;

  private final long start = System.nanoTime();
  private final IdentityHashMap<Object, Integer> weights = new IdentityHashMap<>();
  private int nodes;
  private long total;

  /** Notes that a part of the template is about to be rendered. */
  void spend() {
    nodes++;
    use(0); // Jinjava goes on after an expression that failed
  }

  /** Notes that an expression has read or made a value. */
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

  /** What Jinjava's wrappers hold, which it makes anew each time that a variable is read. */
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
