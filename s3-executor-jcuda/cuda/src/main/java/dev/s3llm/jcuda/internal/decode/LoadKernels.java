package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import org.jspecify.annotations.Nullable;

/**
 * Launches the kernels that lay out weights, one method for each kernel. Any grid gives the same
 * result.
 */
final class LoadKernels {
  private static final Grid GRID = Grid.of(2048);
  private static final int THREADS = 256;

  private final KernelLauncher launcher;
  private final @Nullable KernelLauncher rounding;
  private final ElementType type;

  /**
   * Chooses the kernels of a number type.
   *
   * @param rounding launches the kernels for matrices whose input is rounded; null if there are
   *     none
   * @param type number type of the weights on the device
   */
  LoadKernels(KernelLauncher launcher, @Nullable KernelLauncher rounding, ElementType type) {
    this.launcher = launcher;
    this.rounding = rounding;
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

  /**
   * Rounds rows of plain numbers to codes with a scale for each 128 columns.
   *
   * @param from number type of the rows
   */
  void quantize(
      DeviceStream stream,
      ElementType from,
      CodeFormat format,
      DeviceMemory rowMajor,
      DeviceAddress codes,
      DeviceAddress scales,
      int rows,
      int columns) {
    launch(
        stream,
        "quantize_" + format.suffix() + "_" + from.suffix(),
        rowMajor,
        codes,
        scales,
        rows,
        columns,
        type == ElementType.BF16 ? 1 : 0);
  }

  /** Writes row-major codes into tiles; sets {@code found} where one is a NaN. */
  void tileCodes(
      DeviceStream stream,
      CodeFormat format,
      DeviceAddress codes,
      CodeUpload.Place to,
      int rows,
      int columns,
      DeviceMemory found) {
    if (format.input() != null) {
      tileOfRounded(stream, "tile_fp8", codes, to, rows, columns, found);
      return;
    }
    launch(
        stream,
        "tile_codes_" + format.codes().kind().bits(),
        codes,
        to.tiles().tiles(),
        rows,
        columns,
        to.firstRow(),
        to.placement(),
        format.scales(),
        format.codes().kind() == Codes.Kind.E4M3 ? found : null);
  }

  /** Tiles a part of a matrix whose input is rounded, too. */
  private void tileOfRounded(
      DeviceStream stream,
      String kernel,
      DeviceAddress rowMajor,
      CodeUpload.Place to,
      int rows,
      int columns,
      DeviceMemory found) {
    launchRounding(
        stream,
        kernel,
        rowMajor,
        to.tiles().tiles(),
        rows,
        columns,
        to.firstRow(),
        to.placement(),
        found);
  }

  /** Writes row-major scales into tiles; sets {@code found} where one is not finite. */
  void tileScales(
      DeviceStream stream,
      CodeFormat format,
      DeviceAddress scales,
      @Nullable DeviceAddress seconds,
      CodeUpload.Place to,
      int rows,
      int columns,
      DeviceMemory found) {
    if (format.input() != null) {
      tileOfRounded(stream, "tile_fp8_scales", scales, to, rows, columns, found);
      return;
    }
    launch(
        stream,
        "tile_scales_" + type.suffix(),
        scales,
        seconds,
        to.tiles().tiles(),
        rows,
        columns,
        to.firstRow(),
        to.placement(),
        format.scales(),
        format.number(),
        found);
  }

  private void launch(DeviceStream stream, String kernel, @Nullable Object... arguments) {
    launcher.launch(stream, kernel, GRID, THREADS, 0, arguments);
  }

  private void launchRounding(DeviceStream stream, String kernel, @Nullable Object... arguments) {
    KernelLauncher own = rounding;
    if (own == null) {
      throw new IllegalStateException("no kernels for rounded inputs were loaded");
    }
    own.launch(stream, kernel, GRID, THREADS, 0, arguments);
  }
}
