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
public final class KernelModule implements KernelLauncher, AutoCloseable {
  /** The kernels of decoders of text. */
  public static final String TEXT = "s3kernels.fatbin";

  /** The kernels that decoders of text on several cards need besides. */
  public static final String CARDS = "s3cards.fatbin";

  /** The kernels of the speech model. */
  public static final String SPEECH = "s3speech.fatbin";

  /** The kernels of whole decode steps, for Hopper alone. */
  public static final String STEP = "s3step.fatbin";

  /** The kernels of products with both operands in 8 bits, for Hopper alone. */
  public static final String FP8 = "s3fp8.fatbin";

  /**
   * Dynamic shared memory that every kernel has without raising its limit: 48 KiB without what the
   * kernel declares itself, which is 32 KiB at most.
   */
  private static final int DEFAULT_SHARED_BYTES = 16 << 10;

  private final CUmodule module = new CUmodule();
  private final Map<String, CUfunction> functions = new HashMap<>();
  private final Map<String, Integer> sharedLimits = new HashMap<>();
  private boolean closed;

  /**
   * Loads kernels of this jar into the current device.
   *
   * @param resource {@link #TEXT}, {@link #CARDS}, {@link #SPEECH}, {@link #STEP} or {@link #FP8}
   */
  public KernelModule(String resource) {
    check("cuModuleLoadData", JCudaDriver.cuModuleLoadData(module, image(resource)));
  }

  private static byte[] image(String resource) {
    try (InputStream in = KernelModule.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks its kernels, " + resource);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("the kernels cannot be read", e);
    }
  }

  @Override
  public void launch(
      DeviceStream stream,
      String kernel,
      Grid grid,
      int block,
      int sharedBytes,
      @Nullable Object... arguments) {
    check(
        "launch of " + kernel,
        JCudaDriver.cuLaunchKernel(
            function(kernel, sharedBytes),
            grid.x(),
            grid.y(),
            grid.z(),
            block,
            1,
            1,
            sharedBytes,
            stream.handle(),
            pointers(arguments),
            null));
  }

  @Override
  public void launchTogether(
      DeviceStream stream,
      String kernel,
      Grid grid,
      int block,
      int sharedBytes,
      @Nullable Object... arguments) {
    check(
        "launch of all blocks at once of " + kernel,
        JCudaDriver.cuLaunchCooperativeKernel(
            function(kernel, sharedBytes),
            grid.x(),
            grid.y(),
            grid.z(),
            block,
            1,
            1,
            sharedBytes,
            stream.handle(),
            pointers(arguments)));
  }

  /** Returns a kernel that may take this much dynamic shared memory. */
  private CUfunction function(String kernel, int sharedBytes) {
    CUfunction function = functions.computeIfAbsent(kernel, this::find);
    raiseSharedLimit(kernel, function, sharedBytes);
    return function;
  }

  private static Pointer pointers(@Nullable Object... arguments) {
    NativePointerObject[] pointers = new NativePointerObject[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      pointers[i] = pointer(arguments[i]);
    }
    return Pointer.to(pointers);
  }

  private void raiseSharedLimit(String kernel, CUfunction function, int sharedBytes) {
    if (sharedBytes > sharedLimits.getOrDefault(kernel, DEFAULT_SHARED_BYTES)) {
      int attribute = CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
      check(
          "cuFuncSetAttribute of " + kernel,
          JCudaDriver.cuFuncSetAttribute(function, attribute, sharedBytes));
      sharedLimits.put(kernel, sharedBytes);
    }
  }

  @Override
  public void load(String kernel) {
    CUfunction function = functions.computeIfAbsent(kernel, this::find);
    int attribute = CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS; // known once it is loaded
    check(
        "cuFuncGetAttribute of " + kernel,
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
    } else if (argument instanceof CardAddresses addresses) {
      NativePointerObject[] structure = new NativePointerObject[CardAddresses.MOST];
      for (int card = 0; card < structure.length; card++) {
        DeviceAddress own = addresses.at(card);
        structure[card] = own.memory().at(own.offset());
      }
      return Pointer.to(structure);
    } else if (argument instanceof PinnedMemory memory) {
      return Pointer.to(memory.at(0)); // addresses are unified
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
