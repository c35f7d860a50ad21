package dev.s3llm.jcuda.internal.batch;

import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import java.util.function.LongFunction;

/** A stage's copy of the inputs of a step, at addresses that never change. */
public final class DeviceBatch implements AutoCloseable {
  private final DeviceMemory memory;
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
   */
  public DeviceBatch(LongFunction<DeviceMemory> allocator, BatchFormat format) {
    this.memory = allocator.apply(format.capacityBytes());
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

  /** Puts the copy of an image into a stream. */
  public void load(BatchImage image, DeviceStream stream) {
    stream.copyIn(image.memory().at(0), memory, 0, image.usedBytes());
  }

  @Override
  public void close() {
    memory.close();
  }
}
