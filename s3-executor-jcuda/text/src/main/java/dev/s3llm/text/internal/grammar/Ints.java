package dev.s3llm.text.internal.grammar;

import java.util.Arrays;

/** A list of numbers that grows. Not thread-safe. */
final class Ints {
  private int[] values = new int[8];
  private int size;

  void add(int value) {
    if (size == values.length) {
      values = Arrays.copyOf(values, 2 * size);
    }
    values[size++] = value;
  }

  void add(int first, int second, int third) {
    add(first);
    add(second);
    add(third);
  }

  int get(int index) {
    return values[index];
  }

  void removeLast() {
    size--;
  }

  int size() {
    return size;
  }

  int[] toArray() {
    return Arrays.copyOf(values, size);
  }

  /** A list of numbers as a key. */
  static final class Key {
    private final int[] values;
    private final int hash;

    Key(int[] values) {
      this.values = values;
      this.hash = Arrays.hashCode(values);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Key key && key.hash == hash && Arrays.equals(values, key.values);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }
}
