package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.Resources;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one card that the other cards of a model read and write.
 *
 * @param even this card's part of a product, {@code [row][hidden]} of float, for meetings with even
 *     numbers
 * @param odd the same for odd numbers
 * @param arrivals the meetings to which each card has come, counted
 * @param state {@code CardState} in {@code cards.cu}
 * @param embedding the card's rows of the embedding
 * @param steps memory of steps of one launch; null where no step is
 */
record CardMemory(
    DeviceMemory even,
    DeviceMemory odd,
    DeviceMemory arrivals,
    DeviceMemory state,
    DeviceMemory embedding,
    @Nullable CardSums steps) {
  /** Bytes of {@code CardState}: epoch, given up, meeting. */
  static final int STATE_BYTES = 3 * Integer.BYTES;

  /** Where it has the card for which this one waited in vain. */
  static final int GIVEN_UP_AT = Integer.BYTES;

  /**
   * Allocates the memory on the current device.
   *
   * @param resources closes it
   * @param rows rows of the largest step
   * @param hidden width of the residual stream
   * @param embedding belongs to the weights
   * @param steps memory of steps of one launch; null where no step is
   */
  static CardMemory allocate(
      Device device,
      Resources resources,
      int rows,
      int hidden,
      int cards,
      DeviceMemory embedding,
      @Nullable CardSums steps) {
    return new CardMemory(
        resources.keep(device.allocate(partBytes(rows, hidden))),
        resources.keep(device.allocate(partBytes(rows, hidden))),
        resources.keep(device.allocate((long) Integer.BYTES * cards)),
        resources.keep(device.allocate(STATE_BYTES)),
        embedding,
        steps);
  }

  /** Returns the bytes that a card needs beside its weights and {@link CardSums}. */
  static long bytes(int rows, int hidden, int cards) {
    return 2 * partBytes(rows, hidden) + (long) Integer.BYTES * cards + STATE_BYTES;
  }

  private static long partBytes(int rows, int hidden) {
    return (long) Float.BYTES * rows * hidden;
  }

  /** Returns where this card's part of the sum at a meeting belongs. */
  DeviceMemory part(int meeting) {
    return meeting % 2 == 0 ? even : odd;
  }
}
