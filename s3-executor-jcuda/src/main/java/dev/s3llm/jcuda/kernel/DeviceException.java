package dev.s3llm.jcuda.kernel;

/** A call of the CUDA driver failed; names the call and the driver's code. */
public final class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int SUCCESS = 0;

  /** Codes after which the context can run nothing any more. */
  private static final int FIRST_STICKY = 700;

  private static final int LAST_STICKY = 719;
  private static final int OUT_OF_RESOURCES = 701;

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

  /** The driver's code. */
  public int code() {
    return code;
  }

  /** Whether the device's context is lost: every later call fails as well. */
  public boolean sticky() {
    return code >= FIRST_STICKY && code <= LAST_STICKY && code != OUT_OF_RESOURCES;
  }
}
