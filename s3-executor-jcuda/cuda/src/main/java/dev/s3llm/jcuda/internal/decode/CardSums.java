package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.CardAddresses;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.Resources;

/**
 * The memory of one card that the blocks of all cards write in steps of one launch: {@code
 * StepCards} in {@code decode_step.cuh}.
 *
 * @param sums each card's sums of the output and of down, {@code [2][card][row][hidden]} of float
 * @param arrivals the blocks of each card that have put their sums of the one and of the other,
 *     {@code [2][card]}; what they were when a launch began; and how many segments of each 16
 *     columns the card's blocks have written
 */
record CardSums(DeviceMemory sums, DeviceMemory arrivals) {
  private static final int WRITTEN_AT = 2 * CardAddresses.MOST + 16;
  private static final long ARRIVAL_BYTES =
      (long) Integer.BYTES * (WRITTEN_AT + StepKernels.MOST_COLUMNS / PersistentDecode.UNIT_ROWS);

  /**
   * Allocates the memory on the current device; the arrivals are zero.
   *
   * @param resources closes it
   * @param hidden width of the residual stream
   */
  static CardSums allocate(Device device, Resources resources, int hidden, int cards) {
    return new CardSums(
        resources.keep(device.allocate(sumBytes(hidden, cards))),
        resources.keep(device.allocate(ARRIVAL_BYTES)));
  }

  /** Returns the bytes that a card needs. */
  static long bytes(int hidden, int cards) {
    return sumBytes(hidden, cards) + ARRIVAL_BYTES;
  }

  private static long sumBytes(int hidden, int cards) {
    return 2L * Float.BYTES * cards * StepKernels.MOST_ROWS * hidden;
  }
}
