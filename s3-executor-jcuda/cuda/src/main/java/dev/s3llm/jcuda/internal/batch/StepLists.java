package dev.s3llm.jcuda.internal.batch;

import java.nio.ByteBuffer;
import java.util.IdentityHashMap;

/** The lists of a step's image, written one after another; places count 32-bit words. */
final class StepLists {
  private final ByteBuffer into;
  private final int begin;
  private final int maskWords;
  private final IdentityHashMap<long[], Integer> masks = new IdentityHashMap<>();
  private int end;

  /**
   * Creates lists without content.
   *
   * @param into the image
   * @param format its layout
   */
  StepLists(ByteBuffer into, BatchFormat format) {
    this.into = into;
    this.begin = format.lists();
    this.maskWords = format.maskWords();
    this.end = begin;
  }

  /** Removes all content. */
  void clear() {
    end = begin;
    masks.clear();
  }

  /** Returns the offset of the end, in bytes from the begin of the image. */
  int endBytes() {
    return end;
  }

  /** Returns the place of the next value. */
  int next() {
    return (end - begin) / Integer.BYTES;
  }

  /** Adds a value. */
  void add(int value) {
    into.putInt(end, value);
    end += Integer.BYTES;
  }

  /** Adds a number. */
  void add(float value) {
    into.putFloat(end, value);
    end += Float.BYTES;
  }

  /** Replaces a value. */
  void set(int place, int value) {
    into.putInt(begin + Integer.BYTES * place, value);
  }

  /**
   * Adds a mask, once a step for each array, and returns its place.
   *
   * @param mask bit {@code t % 64} of word {@code t / 64} for token {@code t}; words that are
   *     missing are 0, and what is beyond the vocabulary is left out
   */
  int mask(long... mask) {
    Integer known = masks.get(mask);
    if (known != null) {
      return known;
    }
    int place = next();
    int words = Math.min(mask.length, maskWords / 2);
    into.slice(end, Long.BYTES * words).order(into.order()).asLongBuffer().put(mask, 0, words);
    end += Long.BYTES * words;
    while (next() < place + maskWords) {
      add(0);
    }
    masks.put(mask, place);
    return place;
  }
}
