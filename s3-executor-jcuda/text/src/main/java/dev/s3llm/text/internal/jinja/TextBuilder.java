package dev.s3llm.text.internal.jinja;

import java.util.Arrays;

/** Joins texts, keeps which parts are foreign, and counts what it adds against the budget. */
final class TextBuilder {
  private final Budget budget;
  private final StringBuilder chars = new StringBuilder();
  private int[] marks = new int[8];
  private int markCount;

  TextBuilder(Budget budget) {
    this.budget = budget;
  }

  /** Appends characters of the template's own. */
  TextBuilder append(String own) {
    budget.text(chars.length(), own.length());
    chars.append(own);
    return this;
  }

  TextBuilder append(Text text) {
    int start = chars.length();
    append(text.chars());
    int[] borders = text.marks();
    for (int i = 0; i < borders.length; i += 2) {
      mark(start + borders[i], start + borders[i + 1]);
    }
    return this;
  }

  /** Appends a value as an output statement writes it. */
  TextBuilder append(Value value) {
    if (value instanceof Text text) {
      return append(text);
    }
    new Repr(budget, this).write(value);
    return this;
  }

  TextBuilder repeat(String own, int count) {
    budget.text(chars.length(), (long) own.length() * Math.max(0, count));
    chars.append(own.repeat(Math.max(0, count)));
    return this;
  }

  TextBuilder repeat(Text text, int count) {
    int times = Math.max(0, count);
    budget.text(chars.length(), (long) text.chars().length() * times);
    for (int i = 0; i < times; i++) {
      append(text);
    }
    return this;
  }

  private void mark(int start, int end) {
    if (markCount > 0 && marks[markCount - 1] == start) {
      marks[markCount - 1] = end;
      return;
    }
    if (markCount == marks.length) {
      marks = Arrays.copyOf(marks, 2 * markCount);
    }
    marks[markCount++] = start;
    marks[markCount++] = end;
  }

  Text toText() {
    return new Text(chars.toString(), Arrays.copyOf(marks, markCount), false);
  }
}
