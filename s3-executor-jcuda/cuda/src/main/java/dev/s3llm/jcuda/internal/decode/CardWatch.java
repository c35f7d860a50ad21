package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.jcuda.internal.driver.Resources;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The host's view of one card's meetings: finds a card that did not come, and ends waits. All calls
 * need the card to be current.
 */
final class CardWatch implements AutoCloseable {
  private static final int MEETING_AT = 2 * Integer.BYTES;

  /** What ends the waits of a card, in each byte of the number that says so. */
  static final int BY_THE_HOST = 0xFF;

  private final Resources resources = new Resources();
  private final CardMemory memory;
  private final PinnedMemory seen;
  private final DeviceStream signals;
  private @Nullable PersistentDecode whole;

  /**
   * A meeting to which a card did not come.
   *
   * @param rank of the card that did not come
   * @param meeting number of the meeting in its step
   */
  record Missed(int rank, int meeting) {}

  /** Allocates a stream of its own, in which a signal overtakes the step. */
  CardWatch(Device device, CardMemory memory) {
    this.memory = memory;
    try {
      this.seen = resources.keep(device.allocatePinned(CardMemory.STATE_BYTES));
      this.signals = resources.keep(device.newStream());
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Watches over the steps of one launch, too. */
  void join(PersistentDecode whole) {
    this.whole = whole;
  }

  /** Puts the copy of the card's state into a stream, after a step. */
  void look(DeviceStream stream) {
    stream.copyOut(memory.state(), 0, seen.at(0), CardMemory.STATE_BYTES);
  }

  /**
   * Returns the meeting at which the card waited in vain, once {@link #look} is done.
   *
   * @param before meetings of the step within its one launch; 0 for a launch for each part
   */
  Optional<Missed> missed(int before) {
    Optional<Missed> within = whole == null ? Optional.empty() : whole.missed();
    return within.or(() -> noted(before));
  }

  private Optional<Missed> noted(int before) {
    ByteBuffer state = seen.view(0, CardMemory.STATE_BYTES);
    int givenUp = state.getInt(CardMemory.GIVEN_UP_AT);
    return givenUp > 0
        ? Optional.of(new Missed(givenUp - 1, before + state.getInt(MEETING_AT)))
        : Optional.empty();
  }

  /** Ends the card's waits; the results of its step are undefined. */
  void giveUp() {
    signals.fill(memory.state(), CardMemory.GIVEN_UP_AT, BY_THE_HOST, Integer.BYTES);
    if (whole != null) {
      whole.giveUp(signals);
    }
  }

  /** Forgets all meetings; no card may be in a step. */
  void reset() {
    for (DeviceMemory own : List.of(memory.arrivals(), memory.state())) {
      signals.fill(own, 0, 0, own.bytes());
    }
    if (whole != null) {
      whole.forget(signals);
    }
    signals.synchronize();
  }

  @Override
  public void close() {
    resources.close();
  }
}
