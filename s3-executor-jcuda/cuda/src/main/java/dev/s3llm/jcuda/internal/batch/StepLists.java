package dev.s3llm.jcuda.internal.batch;

import java.nio.ByteBuffer;
import java.util.IdentityHashMap;

/** The lists of a step's image, written one after another; places count 32-bit words. */
final class StepLists {
  private final ByteBuffer into;
  private final int begin;
  private final int maskWords;
  private final int keptMasks;
  private final KeptMasks kept;
  private final IdentityHashMap<long[], Integer> masks = new IdentityHashMap<>();
  private final int[] copies = new int[2 * KeptMasks.MOST_NEW];
  private int copyCount;
  private int end;

  /**
   * Creates lists without content.
   *
   * @param into the image
   * @param format its layout
   * @param kept the masks that the device has
   */
  StepLists(ByteBuffer into, BatchFormat format, KeptMasks kept) {
    this.into = into;
    this.begin = format.lists();
    this.maskWords = format.maskWords();
    this.keptMasks = (format.keptMasks() - begin) / Integer.BYTES;
    this.kept = kept;
    this.end = begin;
  }

  /** Removes all content. */
  void clear() {
    end = begin;
    masks.clear();
    copyCount = 0;
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

  /** Returns the number of masks of the lists that the device keeps from this step on. */
  int copies() {
    return copyCount;
  }

  /** Returns where the i-th of these is, in bytes from the begin of the image. */
  int copyFrom(int i) {
    return begin + Integer.BYTES * copies[2 * i];
  }

  /** Returns where the device keeps the i-th of these, in bytes from the begin of the image. */
  int copyTo(int i) {
    return begin + Integer.BYTES * copies[2 * i + 1];
  }

  /**
   * Returns the place of a mask. Adds the mask, once a step for each array, unless the device keeps
   * it.
   *
   * @param mask bit {@code t % 64} of word {@code t / 64} for token {@code t}; words that are
   *     missing are 0, and what is beyond the vocabulary is left out
   */
  int mask(long... mask) {
    Integer known = masks.get(mask);
    if (known != null) {
      return known;
    }
    int slot = kept.slot(mask);
    return slot == KeptMasks.NONE ? added(mask) : keptPlace(slot);
  }

  private int keptPlace(int slot) {
    return keptMasks + maskWords * slot;
  }

  private int added(long... mask) {
    int place = next();
    int words = Math.min(mask.length, maskWords / 2);
    into.slice(end, Long.BYTES * words).order(into.order()).asLongBuffer().put(mask, 0, words);
    end += Long.BYTES * words;
    while (next() < place + maskWords) {
      add(0);
    }
    masks.put(mask, place);
    int slot = kept.keep(mask);
    if (slot != KeptMasks.NONE) {
      copies[2 * copyCount] = place;
      copies[2 * copyCount++ + 1] = keptPlace(slot);
    }
    return place;
  }
}
