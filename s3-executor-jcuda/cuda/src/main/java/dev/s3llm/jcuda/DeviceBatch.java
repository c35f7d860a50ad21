package dev.s3llm.jcuda;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;

/** A stage's copy of the inputs of the step it runs, at addresses that never change. */
final class DeviceBatch implements AutoCloseable {
  private final DeviceMemory memory;
  final DeviceAddress sampling;
  final DeviceAddress tokens;
  final DeviceAddress positions;
  final DeviceAddress sequences;
  final DeviceAddress tableStarts;
  final DeviceAddress decodeRows;
  final DeviceAddress firstRows;
  final DeviceAddress rowCounts;
  final DeviceAddress sampledRows;

  /** Block tables; the histories of penalties count from here as well. */
  final DeviceAddress lists;

  DeviceBatch(Device device, BatchFormat format) {
    this.memory = device.allocate(format.capacityBytes());
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
  void load(BatchImage image, DeviceStream stream) {
    stream.copyIn(image.memory().at(0), memory, 0, image.usedBytes());
  }

  @Override
  public void close() {
    memory.close();
  }
}
