package dev.s3llm.text.internal.grammar;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** A set of code points without surrogates, as ascending ranges. Immutable. */
public final class CodePoints {
  static final int LAST = Character.MAX_CODE_POINT;
  private static final int SURROGATES = Character.MIN_SURROGATE;
  private static final int AFTER_SURROGATES = Character.MAX_SURROGATE + 1;

  /** All code points. */
  static final CodePoints ALL = of(0, LAST);

  /** First and last code points of the ranges, one after the other. */
  private final int[] ranges;

  private CodePoints(int[] ranges) {
    this.ranges = ranges;
  }

  /** Returns the set of all code points from one to another. */
  static CodePoints of(int first, int last) {
    return union(new int[] {first, last});
  }

  /** Returns a set of single code points. */
  static CodePoints of(String characters) {
    return union(characters.codePoints().flatMap(c -> IntStream.of(c, c)).toArray());
  }

  /** Returns the union of ranges, which may overlap and be in any order. */
  static CodePoints union(int... pairs) {
    long[] sorted = new long[pairs.length / 2];
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = ((long) pairs[2 * i] << 32) | pairs[2 * i + 1];
    }
    Arrays.sort(sorted);
    int[] out = new int[2 * sorted.length + 2];
    int size = 0;
    for (long pair : sorted) {
      int first = (int) (pair >>> 32);
      int last = (int) pair;
      if (size > 0 && first <= out[size - 1] + 1) {
        out[size - 1] = Math.max(out[size - 1], last);
      } else if (first <= last) {
        out[size++] = first;
        out[size++] = last;
      }
    }
    return new CodePoints(withoutSurrogates(Arrays.copyOf(out, size)));
  }

  private static int[] withoutSurrogates(int[] ranges) {
    int[] out = new int[ranges.length + 2];
    int size = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      int first = ranges[i];
      int last = ranges[i + 1];
      if (first < SURROGATES && last >= first) {
        out[size++] = first;
        out[size++] = Math.min(last, SURROGATES - 1);
      }
      if (last >= AFTER_SURROGATES) {
        out[size++] = Math.max(first, AFTER_SURROGATES);
        out[size++] = last;
      }
    }
    return Arrays.copyOf(out, size);
  }

  /** Returns the set of the code points that a test accepts. */
  static CodePoints matching(IntPredicate test) {
    int[] pairs = new int[64];
    int size = 0;
    for (int c = 0; c <= LAST; c++) {
      if (test.test(c)) {
        int first = c;
        while (c < LAST && test.test(c + 1)) {
          c++;
        }
        if (size == pairs.length) {
          pairs = Arrays.copyOf(pairs, 2 * size);
        }
        pairs[size++] = first;
        pairs[size++] = c;
      }
    }
    return union(Arrays.copyOf(pairs, size));
  }

  CodePoints or(CodePoints other) {
    int[] both = Arrays.copyOf(ranges, ranges.length + other.ranges.length);
    System.arraycopy(other.ranges, 0, both, ranges.length, other.ranges.length);
    return union(both);
  }

  CodePoints not() {
    int[] out = new int[ranges.length + 2];
    int size = 0;
    int next = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      if (ranges[i] > next) {
        out[size++] = next;
        out[size++] = ranges[i] - 1;
      }
      next = ranges[i + 1] + 1;
    }
    if (next <= LAST) {
      out[size++] = next;
      out[size++] = LAST;
    }
    return union(Arrays.copyOf(out, size));
  }

  CodePoints without(CodePoints other) {
    return not().or(other).not();
  }

  boolean contains(int c) {
    for (int i = 0; i < ranges.length; i += 2) {
      if (c >= ranges[i] && c <= ranges[i + 1]) {
        return true;
      }
    }
    return false;
  }

  int count() {
    return ranges.length / 2;
  }

  int first(int range) {
    return ranges[2 * range];
  }

  int last(int range) {
    return ranges[2 * range + 1];
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CodePoints set && Arrays.equals(ranges, set.ranges);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(ranges);
  }
}
