package dev.s3llm.jcuda.internal.batch;

import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import java.util.function.LongFunction;

/**
 * A stage's copy of the inputs of a step, at addresses that never change. In the stage that samples
 * the masks follow that are kept for later steps ({@link KeptMasks}).
 */
public final class DeviceBatch implements AutoCloseable {
  private final DeviceMemory memory;
  private final int maskBytes;
  private final boolean keepsMasks;
  public final DeviceAddress sampling;
  public final DeviceAddress tokens;
  public final DeviceAddress positions;
  public final DeviceAddress sequences;
  public final DeviceAddress tableStarts;
  public final DeviceAddress decodeRows;
  public final DeviceAddress firstRows;
  public final DeviceAddress rowCounts;
  public final DeviceAddress sampledRows;

  /** Block tables; the places of the lists of sampled rows count from here too. */
  public final DeviceAddress lists;

  /**
   * Allocates the memory.
   *
   * @param allocator allocates bytes of device memory
   * @param keepsMasks whether the stage samples, and so keeps masks
   */
  public DeviceBatch(LongFunction<DeviceMemory> allocator, BatchFormat format, boolean keepsMasks) {
    this.memory = allocator.apply(bytes(format, keepsMasks));
    this.maskBytes = format.maskBytes();
    this.keepsMasks = keepsMasks;
    this.sampling = at(format.sampling());
    this.tokens = at(format.tokens());
    this.positions = at(format.positions());
    this.sequences = at(format.sequences());
    this.tableStarts = at(format.tableStarts());
    this.decodeRows = at(format.decodeRows());
    this.firstRows = at(format.firstRows());
    this.rowCounts = at(format.rowCounts());
    this.sampledRows = at(format.sampledRows());
    this.lists = at(format.lists());
  }

  private DeviceAddress at(int offset) {
    return new DeviceAddress(memory, offset);
  }

  /**
   * Returns the bytes of device memory that a stage needs.
   *
   * @param keepsMasks whether the stage samples, and so keeps masks
   */
  public static long bytes(BatchFormat format, boolean keepsMasks) {
    return keepsMasks ? format.deviceBytes() : format.capacityBytes();
  }

  /**
   * Puts the copy of an image into a stream, then those of the masks that are kept from now on. The
   * stream's earlier kernels are over before the copies begin, its later ones wait for them.
   */
  public void load(BatchImage image, DeviceStream stream) {
    stream.copyIn(image.memory().at(0), memory, 0, image.usedBytes());
    StepLists lists = image.lists();
    for (int i = 0; keepsMasks && i < lists.copies(); i++) {
      stream.copy(memory, lists.copyFrom(i), memory, lists.copyTo(i), maskBytes);
    }
  }

  @Override
  public void close() {
    memory.close();
  }
}
