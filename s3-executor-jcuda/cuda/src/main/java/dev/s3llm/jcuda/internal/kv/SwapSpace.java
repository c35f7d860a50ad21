package dev.s3llm.jcuda.internal.kv;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.jcuda.internal.driver.Resources;
import java.util.ArrayList;
import java.util.List;
import jcuda.Pointer;

/**
 * Pinned memory for blocks that are swapped out, in pieces of whole blocks: one piece has less than
 * 2 GiB ({@link PinnedMemory#MAX_BYTES}). For the executor's thread.
 */
final class SwapSpace implements AutoCloseable {
  private static final long PIECE_BYTES = 1L << 30;

  private final Resources resources = new Resources();
  private final List<PinnedMemory> pieces = new ArrayList<>();
  private final long blockBytes;
  private final int blocksPerPiece;

  /** Allocates memory for a number of blocks. */
  SwapSpace(Device device, long blockBytes, int blockCount) {
    this.blockBytes = blockBytes;
    this.blocksPerPiece = (int) Math.max(1, PIECE_BYTES / blockBytes);
    try {
      for (int left = blockCount; left > 0; left -= blocksPerPiece) {
        long bytes = blockBytes * Math.min(left, blocksPerPiece);
        pieces.add(resources.keep(device.allocatePinned(bytes)));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Returns the address of a block. */
  Pointer at(int block) {
    return pieces.get(block / blocksPerPiece).at(block % blocksPerPiece * blockBytes);
  }

  /** Releases the memory. Idempotent. */
  @Override
  public void close() {
    resources.close();
  }
}
