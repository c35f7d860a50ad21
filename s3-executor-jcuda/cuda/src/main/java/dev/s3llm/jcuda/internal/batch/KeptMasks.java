package dev.s3llm.jcuda.internal.batch;

import com.google.common.collect.MapMaker;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Which masks the device keeps from one step to the next, and in which slot. A mask is known by its
 * array, whose content never changes ({@link dev.s3llm.execute.SequenceStep#allowedTokens}); arrays
 * are held weakly.
 *
 * <p>Each step keeps a few masks that were not kept before, each in a free slot, or else in that of
 * the mask that was used least recently. Slots that the running step uses are not given away, so a
 * copy into a slot never meets a kernel of the step that still reads the slot. A step that brings
 * only masks of its own makes few copies and loses few kept masks.
 *
 * <p>For the executor's thread.
 */
public final class KeptMasks {
  /** A mask that is not kept. */
  static final int NONE = -1;

  /** The largest number of masks that a step begins to keep: each takes a copy of its own. */
  static final int MOST_NEW = 16;

  private static final WeakReference<long[]> NOBODY = new WeakReference<>(new long[0]);

  private final Map<long[], Integer> slots = new MapMaker().weakKeys().makeMap();
  private final List<WeakReference<long[]>> masks;
  private final long[] usedIn;
  private final int[] older;
  private final int[] newer;
  private int oldest;
  private int newest;
  private int newMasks;
  private long step;

  /**
   * Creates empty slots.
   *
   * @param count number of slots, at least 1
   */
  public KeptMasks(int count) {
    masks = new ArrayList<>(Collections.nCopies(count, NOBODY));
    usedIn = new long[count];
    older = new int[count];
    newer = new int[count];
    for (int slot = 0; slot < count; slot++) {
      older[slot] = slot - 1;
      newer[slot] = slot == count - 1 ? NONE : slot + 1;
    }
    newest = count - 1;
  }

  /** Starts a step; the step before has ended. */
  public void beginStep() {
    step++;
    newMasks = 0;
  }

  /** Forgets all masks, because the copies of a failed step may not have been made. */
  public void clear() {
    slots.clear();
    Collections.fill(masks, NOBODY);
  }

  /** Returns the slot of a mask, which the running step then uses; {@link #NONE} if it has none. */
  int slot(long[] mask) {
    Integer slot = slots.get(mask);
    if (slot == null) {
      return NONE;
    }
    use(slot);
    return slot;
  }

  /**
   * Keeps a mask that has no slot, and returns its slot, into which the step must copy it; {@link
   * #NONE} if the step keeps no further one.
   */
  int keep(long[] mask) {
    int slot = oldest;
    if (newMasks == MOST_NEW || usedIn[slot] == step) {
      return NONE;
    }
    newMasks++;
    long[] forgotten = masks.get(slot).get();
    if (forgotten != null) {
      slots.remove(forgotten);
    }
    masks.set(slot, new WeakReference<>(mask));
    slots.put(mask, slot);
    use(slot);
    return slot;
  }

  /** Makes a slot the one that was used last. */
  private void use(int slot) {
    usedIn[slot] = step;
    if (slot == newest) {
      return;
    }
    int before = older[slot];
    int after = newer[slot];
    if (before == NONE) {
      oldest = after;
    } else {
      newer[before] = after;
    }
    older[after] = before;
    newer[newest] = slot;
    older[slot] = newest;
    newer[slot] = NONE;
    newest = slot;
  }
}
