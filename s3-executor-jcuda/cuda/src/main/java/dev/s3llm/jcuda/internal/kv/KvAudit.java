package dev.s3llm.jcuda.internal.kv;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The record, in the debug mode, of what was written to each KV slot last: every position that a
 * sequence attends to must have been written at that position after the same tokens, by that
 * sequence or by one that begins like it, and by no other sequence since. Takes time in proportion
 * to the contexts.
 *
 * <p>For the executor's thread.
 */
public final class KvAudit {
  private static final long NO_SEQUENCE = -1;

  private final int blockTokens;
  private final Slots device;
  private final Slots host;

  /** The writer and the position of each slot, and a hash of all tokens up to the position. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Slots(long[] writers, int[] positions, long[] beginnings) {
    static Slots of(int count) {
      Slots slots = new Slots(new long[count], new int[count], new long[count]);
      Arrays.fill(slots.writers, NO_SEQUENCE);
      return slots;
    }
  }

  /** Starts with nothing written. */
  public KvAudit(int blockTokens, int blockCount, int hostBlockCount) {
    this.blockTokens = blockTokens;
    this.device = Slots.of(Math.multiplyExact(blockTokens, blockCount));
    this.host = Slots.of(Math.multiplyExact(blockTokens, hostBlockCount));
  }

  /**
   * Checks a step and records its writes.
   *
   * @return blocks whose owner changes; their new owner must not read their present contents
   * @throws IllegalStateException naming the sequence, the position and the last writer
   */
  public List<Integer> step(StepBatch batch) {
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      move(device, copy.deviceBlock(), host, copy.hostBlock());
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      move(host, copy.hostBlock(), device, copy.deviceBlock());
    }
    for (SequenceStep sequence : batch.sequences()) {
      requireWritten(sequence);
    }
    List<Integer> handedOver = new ArrayList<>();
    for (SequenceStep sequence : batch.sequences()) {
      write(sequence, handedOver);
    }
    return handedOver;
  }

  private void move(Slots from, int fromBlock, Slots to, int toBlock) {
    int source = fromBlock * blockTokens;
    int target = toBlock * blockTokens;
    System.arraycopy(from.writers, source, to.writers, target, blockTokens);
    System.arraycopy(from.positions, source, to.positions, target, blockTokens);
    System.arraycopy(from.beginnings, source, to.beginnings, target, blockTokens);
  }

  private void requireWritten(SequenceStep sequence) {
    long beginning = 0;
    for (int position = 0; position < sequence.startPosition(); position++) {
      int slot = slot(sequence, position);
      beginning = extended(beginning, sequence.token(position));
      if (device.writers[slot] == NO_SEQUENCE
          || device.positions[slot] != position
          || device.beginnings[slot] != beginning) {
        throw new IllegalStateException(
            "sequence %d reads position %d in block %d, which %s"
                .formatted(
                    sequence.sequenceId(),
                    position,
                    slot / blockTokens,
                    device.writers[slot] == NO_SEQUENCE
                        ? "no sequence has written"
                        : "sequence %d wrote at its position %d after its tokens"
                            .formatted(device.writers[slot], device.positions[slot])));
      }
    }
  }

  private void write(SequenceStep sequence, List<Integer> handedOver) {
    int end = sequence.startPosition() + sequence.tokenCount();
    long beginning = 0;
    for (int position = 0; position < sequence.startPosition(); position++) {
      beginning = extended(beginning, sequence.token(position));
    }
    for (int position = sequence.startPosition(); position < end; position++) {
      beginning = extended(beginning, sequence.token(position));
      int slot = slot(sequence, position);
      int block = slot / blockTokens;
      if (position % blockTokens == 0) {
        handedOver.add(block);
        Arrays.fill(device.writers, block * blockTokens, (block + 1) * blockTokens, NO_SEQUENCE);
      }
      device.writers[slot] = sequence.sequenceId();
      device.positions[slot] = position;
      device.beginnings[slot] = beginning;
    }
  }

  private static long extended(long beginning, int token) {
    long mixed = (beginning ^ (token + 1L)) * 0x9E3779B97F4A7C15L;
    return mixed ^ (mixed >>> 31);
  }

  private int slot(SequenceStep sequence, int position) {
    return sequence.block(position / blockTokens) * blockTokens + position % blockTokens;
  }
}
