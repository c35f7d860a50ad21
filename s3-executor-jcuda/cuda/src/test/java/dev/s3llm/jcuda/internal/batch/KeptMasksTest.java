package dev.s3llm.jcuda.internal.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KeptMasksTest {
  private final long[] first = {1};
  private final long[] second = {1};

  @Test
  void mask_isKnownByItsArray() {
    KeptMasks masks = new KeptMasks(2);
    masks.beginStep();
    assertThat(masks.slot(first)).isEqualTo(KeptMasks.NONE);
    int slot = masks.keep(first);
    assertThat(masks.slot(first)).isEqualTo(slot);
    assertThat(masks.slot(second)).isEqualTo(KeptMasks.NONE); // equal content
    assertThat(masks.keep(second)).isNotEqualTo(slot);
  }

  @Test
  void slotThatTheStepUses_isNotGivenAway() {
    KeptMasks masks = new KeptMasks(1);
    masks.beginStep();
    assertThat(masks.keep(first)).isZero();
    assertThat(masks.keep(second)).isEqualTo(KeptMasks.NONE);
    masks.beginStep();
    assertThat(masks.slot(first)).isZero();
    assertThat(masks.keep(second)).isEqualTo(KeptMasks.NONE);
    masks.beginStep();
    assertThat(masks.keep(second)).isZero();
    assertThat(masks.slot(first)).isEqualTo(KeptMasks.NONE);
  }

  @Test
  void clear_forgetsAll() {
    KeptMasks masks = new KeptMasks(2);
    masks.beginStep();
    masks.keep(first);
    masks.clear();
    assertThat(masks.slot(first)).isEqualTo(KeptMasks.NONE);
  }

  /** The slots are those of a list that is searched as a whole. */
  @Test
  void slots_areThoseOfAPlainList() {
    Random random = new Random(7);
    for (int round = 0; round < 60; round++) {
      int count = 1 + random.nextInt(40);
      List<long[]> all = IntStream.range(0, 60).mapToObj(i -> new long[] {i}).toList();
      KeptMasks masks = new KeptMasks(count);
      Plain plain = new Plain(count);
      for (int step = 0; step < 100; step++) {
        masks.beginStep();
        plain.beginStep();
        for (int i = random.nextInt(50); i > 0; i--) {
          long[] mask = all.get(random.nextInt(1 + random.nextInt(60)));
          int slot = masks.slot(mask);
          assertThat(slot).isEqualTo(plain.slot(mask));
          if (slot == KeptMasks.NONE) {
            assertThat(masks.keep(mask)).isEqualTo(plain.keep(mask));
          }
        }
        if (random.nextInt(50) == 0) {
          masks.clear();
          plain.clear();
        }
      }
    }
  }

  /** Slots in the order of their last use. */
  private static final class Plain {
    private final List<Slot> slots = new ArrayList<>();
    private final Set<Integer> used = new HashSet<>();
    private int newMasks;

    private record Slot(int number, long... mask) {}

    Plain(int count) {
      IntStream.range(0, count).forEach(i -> slots.add(new Slot(i)));
    }

    void beginStep() {
      used.clear();
      newMasks = 0;
    }

    int slot(long... mask) {
      for (Slot slot : slots) {
        if (slot.mask == mask) {
          slots.remove(slot);
          return last(slot);
        }
      }
      return KeptMasks.NONE;
    }

    int keep(long... mask) {
      if (newMasks == KeptMasks.MOST_NEW || used.contains(slots.get(0).number)) {
        return KeptMasks.NONE;
      }
      newMasks++;
      return last(new Slot(slots.remove(0).number, mask));
    }

    private int last(Slot slot) {
      slots.add(slot);
      used.add(slot.number);
      return slot.number;
    }

    void clear() {
      slots.replaceAll(slot -> new Slot(slot.number));
    }
  }
}
