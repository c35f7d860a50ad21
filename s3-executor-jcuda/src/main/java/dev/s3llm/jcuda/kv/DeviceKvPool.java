package dev.s3llm.jcuda.kv;

import dev.s3llm.execute.BlockCopy;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.kernel.Device;
import dev.s3llm.jcuda.kernel.DeviceMemory;
import dev.s3llm.jcuda.kernel.PinnedMemory;
import org.jspecify.annotations.Nullable;

/**
 * The memory behind the engine's KV blocks. A block lies in one piece over all layers, {@code
 * [block][layer][keys, values][kvHead][slot][dimension]}, so a swap is one copy a block. Copies are
 * put into the stream that the model runs in: a block is never read or written before the step that
 * may touch it is over.
 */
public final class DeviceKvPool implements AutoCloseable {
  private final Device device;
  private final long blockBytes;
  private final DeviceMemory blocks;
  private final @Nullable PinnedMemory swapped;

  /** Allocates a pool, and swap space for this many blocks, which may be none. */
  public DeviceKvPool(Device device, long blockBytes, int blockCount, int hostBlockCount) {
    this.device = device;
    this.blockBytes = blockBytes;
    this.blocks = device.allocate(Math.multiplyExact(blockBytes, (long) blockCount));
    try {
      this.swapped =
          hostBlockCount == 0
              ? null
              : device.allocatePinned(Math.multiplyExact(blockBytes, (long) hostBlockCount));
    } catch (RuntimeException e) {
      blocks.close();
      throw e;
    }
  }

  /** The blocks on the device. */
  public DeviceMemory blocks() {
    return blocks;
  }

  /** Puts a step's copies into the stream: out first, then in. */
  public void copy(StepBatch batch) {
    PinnedMemory host = swapped;
    if (host == null) {
      return;
    }
    for (BlockCopy copy : batch.swapOuts()) {
      device.copyOut(
          blocks,
          copy.deviceBlock() * blockBytes,
          host.at(copy.hostBlock() * blockBytes),
          blockBytes);
    }
    for (BlockCopy copy : batch.swapIns()) {
      device.copyIn(
          host.at(copy.hostBlock() * blockBytes),
          blocks,
          copy.deviceBlock() * blockBytes,
          blockBytes);
    }
  }

  @Override
  public void close() {
    blocks.close();
    PinnedMemory host = swapped;
    if (host != null) {
      host.close();
    }
  }
}
