package dev.s3llm.jcuda.internal.kv;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceEvent;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Resources;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The memory of the engine's KV blocks on one device, and pinned memory for blocks that are swapped
 * out. A block is contiguous over all layers of the stage, {@code [block][layer][keys,
 * values][kvHead][slot][dimension]}, and in 8 bits the scales of the slots follow each head's; so a
 * swap is one copy for each block.
 *
 * <p>Copies run in their own stream. A step waits for copies in, and for copies out of blocks that
 * it uses; other copies out run while the model runs. A step ends only when its copies have ended,
 * so no block is used again before the step or the copy that may touch it has ended.
 *
 * <p>For the executor's thread.
 */
public final class DeviceKvPool implements AutoCloseable {
  /** A NaN in both number types, and as a scale of KV in 8 bits. */
  private static final int POISON = 0xFF;

  private final Resources resources = new Resources();
  private final long blockBytes;
  private final DeviceMemory blocks;
  private final @Nullable SwapSpace swapped;
  private final DeviceStream copies;
  private final DeviceEvent needed;
  private final DeviceEvent done;
  private boolean copying;

  /**
   * Allocates a pool and its swap space.
   *
   * @param blockBytes bytes of a block over all layers of the stage
   * @param blockCount blocks on the device, at least 1
   * @param hostBlockCount blocks in swap space; 0 for none
   */
  public DeviceKvPool(Device device, long blockBytes, int blockCount, int hostBlockCount) {
    this.blockBytes = blockBytes;
    try {
      this.blocks =
          resources.keep(device.allocate(Math.multiplyExact(blockBytes, (long) blockCount)));
      this.swapped =
          hostBlockCount == 0
              ? null
              : resources.keep(new SwapSpace(device, blockBytes, hostBlockCount));
      this.copies = resources.keep(device.newStream());
      this.needed = resources.keep(device.newEvent());
      this.done = resources.keep(device.newEvent());
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Returns the memory of the blocks on the device. */
  public DeviceMemory blocks() {
    return blocks;
  }

  /** Starts a step's copies; later work in {@code compute} waits for the copies that it needs. */
  public void beginStep(StepBatch batch, DeviceStream compute) {
    SwapSpace host = swapped;
    copying = !batch.swapOuts().isEmpty() || !batch.swapIns().isEmpty();
    if (!copying) {
      return;
    }
    if (host == null) {
      throw new IllegalStateException("a step swaps, but there is no swap space");
    }
    BitSet used = blocksOf(batch);
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      if (used.get(copy.deviceBlock())) {
        out(copy, host);
      }
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      copies.copyIn(host.at(copy.hostBlock()), blocks, copy.deviceBlock() * blockBytes, blockBytes);
    }
    copies.record(needed);
    compute.await(needed);
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      if (!used.get(copy.deviceBlock())) {
        out(copy, host);
      }
    }
    copies.record(done);
  }

  /** Makes later work in {@code compute} wait for the copies of the step that began last. */
  public void endStep(DeviceStream compute) {
    if (copying) {
      compute.await(done);
    }
  }

  /** Waits on the calling thread for the copies of a step that failed before its end. */
  public void settle() {
    copies.synchronize();
  }

  private static BitSet blocksOf(StepBatch batch) {
    BitSet used = new BitSet();
    for (SequenceStep sequence : batch.sequences()) {
      for (int i = 0; i < sequence.blockCount(); i++) {
        used.set(sequence.block(i));
      }
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      used.set(copy.deviceBlock());
    }
    return used;
  }

  private void out(StepBatch.BlockCopy copy, SwapSpace host) {
    copies.copyOut(blocks, copy.deviceBlock() * blockBytes, host.at(copy.hostBlock()), blockBytes);
  }

  /** Fills a block with NaN, so that a result that reads it is not finite. */
  public void poison(int block, DeviceStream compute) {
    compute.fill(blocks, block * blockBytes, POISON, blockBytes);
  }

  /** Releases the memory and the stream. Idempotent. */
  @Override
  public void close() {
    resources.close();
  }
}
