package dev.s3llm.jcuda.internal.driver;

import java.util.Set;

/** Thrown when a call of the CUDA driver fails; the message names the call and the code. */
public final class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int SUCCESS = 0;
  private static final int OUT_OF_MEMORY = 2;

  /**
   * Codes after which every call of the context fails: uncorrectable errors of memory (214) and
   * NVLink (220), illegal addresses (700), launch timeouts (702), destroyed contexts (709), asserts
   * (710), and faults of a kernel (714 to 719). Unknown errors (999) are not among them: the driver
   * also returns that code when it has no memory to load a kernel.
   */
  private static final Set<Integer> STICKY =
      Set.of(214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719);

  /** The driver's code. */
  private final int code;

  private DeviceException(String call, int code) {
    super(call + " failed: " + jcuda.driver.CUresult.stringFor(code) + " (" + code + ")");
    this.code = code;
  }

  /** Throws unless a call succeeded. */
  static void check(String call, int code) {
    if (code != SUCCESS) {
      throw new DeviceException(call, code);
    }
  }

  private DeviceException(int ordinal, DeviceException cause) {
    super("device " + ordinal + ": " + cause.getMessage(), cause);
    this.code = cause.code;
  }

  /** Returns the same failure with the number of its device in the message. */
  public DeviceException on(int ordinal) {
    return new DeviceException(ordinal, this);
  }

  /** Returns the driver's code. */
  public int code() {
    return code;
  }

  /** Returns whether the device's context is lost: every later call fails too. */
  public boolean sticky() {
    return STICKY.contains(code);
  }

  /** Returns whether the device had too little memory; later calls may succeed. */
  public boolean outOfMemory() {
    return code == OUT_OF_MEMORY;
  }
}
