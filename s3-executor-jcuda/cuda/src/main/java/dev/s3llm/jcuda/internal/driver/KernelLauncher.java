package dev.s3llm.jcuda.internal.driver;

import org.jspecify.annotations.Nullable;

/**
 * Puts kernels into streams by their names. The typed methods of {@code AttentionKernels}, {@code
 * LoadKernels}, {@code MatrixProduct} and their like are the only callers.
 */
public interface KernelLauncher {

  /**
   * Puts a kernel into a stream.
   *
   * @param stream the stream
   * @param kernel name of the kernel
   * @param grid blocks
   * @param block threads of a block
   * @param sharedBytes bytes of dynamic shared memory
   * @param arguments in the kernel's order: {@link DeviceMemory} (its first byte), {@link
   *     DeviceAddress}, {@link PinnedMemory} (its first byte), null pointers, {@link
   *     CardAddresses}, {@link Integer}, {@link Long} and {@link Float}
   */
  void launch(
      DeviceStream stream,
      String kernel,
      Grid grid,
      int block,
      int sharedBytes,
      @Nullable Object... arguments);

  /**
   * Puts a kernel whose blocks wait for one another into a stream: it begins when all of them can
   * run at once, also beside other kernels of this process. Parameters as for {@link #launch}.
   *
   * @throws DeviceException if the device has no room for all blocks at once
   */
  void launchTogether(
      DeviceStream stream,
      String kernel,
      Grid grid,
      int block,
      int sharedBytes,
      @Nullable Object... arguments);

  /** Brings a kernel to the device now; drivers that load lazily otherwise wait for its launch. */
  void load(String kernel);
}
