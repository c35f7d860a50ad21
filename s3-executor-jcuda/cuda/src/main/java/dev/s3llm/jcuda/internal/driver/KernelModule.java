package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/** The kernels of {@code src/main/cuda}, loaded into a device. For one thread at a time. */
public final class KernelModule implements AutoCloseable {
  private static final String RESOURCE = "s3kernels.fatbin";
  private static final int SHARED_WITHOUT_ASKING = 48 << 10;

  private final CUmodule module = new CUmodule();
  private final Map<String, CUfunction> functions = new HashMap<>();
  private final Map<String, Integer> sharedLimits = new HashMap<>();
  private boolean closed;

  /** Loads the kernels that were shipped with this jar into the current device. */
  public KernelModule() {
    check("cuModuleLoadData", JCudaDriver.cuModuleLoadData(module, image()));
  }

  private static byte[] image() {
    try (InputStream in = KernelModule.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks its kernels, " + RESOURCE);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("the kernels cannot be read", e);
    }
  }

  /**
   * Puts a kernel into a stream.
   *
   * @param grid blocks, up to three dimensions
   * @param block threads of a block
   * @param sharedBytes dynamic shared memory
   * @param arguments {@link DeviceMemory} (its start), {@link DeviceAddress}, null pointers, {@link
   *     Integer}, {@link Long} and {@link Float}, in the kernel's order
   */
  public void launch(
      DeviceStream stream,
      String name,
      int[] grid,
      int block,
      int sharedBytes,
      @Nullable Object... arguments) {
    CUfunction function = functions.computeIfAbsent(name, this::find);
    if (sharedBytes > sharedLimits.getOrDefault(name, SHARED_WITHOUT_ASKING)) {
      int attribute = CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
      check(
          "cuFuncSetAttribute of " + name,
          JCudaDriver.cuFuncSetAttribute(function, attribute, sharedBytes));
      sharedLimits.put(name, sharedBytes);
    }
    NativePointerObject[] pointers = new NativePointerObject[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      pointers[i] = pointer(arguments[i]);
    }
    int y = grid.length > 1 ? grid[1] : 1;
    int z = grid.length > 2 ? grid[2] : 1;
    check(
        "launch of " + name,
        JCudaDriver.cuLaunchKernel(
            function,
            grid[0],
            y,
            z,
            block,
            1,
            1,
            sharedBytes,
            stream.handle(),
            Pointer.to(pointers),
            null));
  }

  /** Brings a kernel to the device now, where a driver that loads lazily waits for its launch. */
  public void load(String name) {
    CUfunction function = functions.computeIfAbsent(name, this::find);
    int attribute = CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS; // known once it is there
    check(
        "cuFuncGetAttribute of " + name,
        JCudaDriver.cuFuncGetAttribute(new int[1], attribute, function));
  }

  private CUfunction find(String name) {
    CUfunction function = new CUfunction();
    check(
        "cuModuleGetFunction of " + name, JCudaDriver.cuModuleGetFunction(function, module, name));
    return function;
  }

  private static Pointer pointer(@Nullable Object argument) {
    if (argument == null) {
      return Pointer.to(new long[] {0});
    } else if (argument instanceof DeviceMemory memory) {
      return Pointer.to(memory.at(0));
    } else if (argument instanceof DeviceAddress address) {
      return Pointer.to(address.memory().at(address.offset()));
    } else if (argument instanceof Integer number) {
      return Pointer.to(new int[] {number});
    } else if (argument instanceof Long number) {
      return Pointer.to(new long[] {number});
    } else if (argument instanceof Float number) {
      return Pointer.to(new float[] {number});
    }
    throw new IllegalArgumentException("no kernel argument: " + argument);
  }

  /** Unloads the kernels. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuModuleUnload", JCudaDriver.cuModuleUnload(module));
    }
  }
}
