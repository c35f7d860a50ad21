package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import jcuda.driver.CUevent;
import jcuda.driver.JCudaDriver;

/** A point in a stream for which other streams and the host can wait; it records its time. */
public final class DeviceEvent implements AutoCloseable {
  private final CUevent event;
  private boolean closed;

  private DeviceEvent(CUevent event) {
    this.event = event;
  }

  static DeviceEvent create() {
    CUevent event = new CUevent();
    check("cuEventCreate", JCudaDriver.cuEventCreate(event, 0));
    return new DeviceEvent(event);
  }

  CUevent handle() {
    return event;
  }

  /** Waits on the calling thread until the event has happened. */
  public void synchronize() {
    check("cuEventSynchronize", JCudaDriver.cuEventSynchronize(event));
  }

  /** Returns the milliseconds between two events, both of which must have happened. */
  public static double millisBetween(DeviceEvent from, DeviceEvent to) {
    float[] millis = new float[1];
    check("cuEventElapsedTime", JCudaDriver.cuEventElapsedTime(millis, from.event, to.event));
    return millis[0];
  }

  /** Releases the event. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuEventDestroy", JCudaDriver.cuEventDestroy(event));
    }
  }
}
