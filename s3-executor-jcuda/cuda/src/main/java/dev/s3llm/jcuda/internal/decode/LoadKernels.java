package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.ElementType;

/**
 * Launches the kernels that lay out weights, one method for each kernel. Any grid gives the same
 * result.
 */
final class LoadKernels {
  private static final Grid GRID = Grid.of(2048);
  private static final int THREADS = 256;

  private final KernelLauncher launcher;
  private final ElementType type;

  /**
   * Chooses the kernels of a number type.
   *
   * @param type number type of the weights on the device
   */
  LoadKernels(KernelLauncher launcher, ElementType type) {
    this.launcher = launcher;
    this.type = type;
  }

  /** Returns the number type of the weights on the device. */
  ElementType type() {
    return type;
  }

  /**
   * Writes rows {@code [rows][columns]} into the tiles of a matrix.
   *
   * @param from number type of the rows
   * @param firstRow row of the matrix for the first row
   * @param placement {@code IN_ORDER}, {@code GATE} or {@code UP} of {@link CudaWeights}
   */
  void retile(
      DeviceStream stream,
      ElementType from,
      DeviceMemory rowMajor,
      DeviceAddress tiles,
      int rows,
      int columns,
      int firstRow,
      int placement) {
    launch(
        stream,
        "retile_" + from.suffix() + "_" + type.suffix(),
        rowMajor,
        tiles,
        rows,
        columns,
        firstRow,
        placement);
  }

  /**
   * Converts elements to the number type of the device.
   *
   * @param from number type of the elements
   * @param count number of elements
   */
  void convert(
      DeviceStream stream, ElementType from, DeviceMemory elements, DeviceAddress to, long count) {
    launch(stream, "convert_" + from.suffix() + "_" + type.suffix(), elements, to, count);
  }

  /**
   * Sets {@code found} to a number other than 0 if an element is a NaN or an infinity.
   *
   * @param count number of elements
   */
  void findNonFinite(DeviceStream stream, DeviceAddress elements, long count, DeviceMemory found) {
    launch(stream, "find_non_finite_" + type.suffix(), elements, count, found);
  }

  private void launch(DeviceStream stream, String kernel, Object... arguments) {
    launcher.launch(stream, kernel, GRID, THREADS, 0, arguments);
  }
}
