package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import jcuda.Pointer;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** A queue of work of one device, which runs in order. */
public final class DeviceStream implements AutoCloseable {
  private static final int CAPTURE_THIS_THREAD = 1;

  private final CUstream stream;
  private boolean closed;

  DeviceStream(CUstream stream) {
    this.stream = stream;
  }

  CUstream handle() {
    return stream;
  }

  /** Copies from the host to the device. */
  public void copyIn(Pointer host, DeviceMemory to, long offset, long bytes) {
    check("cuMemcpyHtoDAsync", JCudaDriver.cuMemcpyHtoDAsync(to.at(offset), host, bytes, stream));
  }

  /** Copies from the device to the host. */
  public void copyOut(DeviceMemory from, long offset, Pointer host, long bytes) {
    check("cuMemcpyDtoHAsync", JCudaDriver.cuMemcpyDtoHAsync(host, from.at(offset), bytes, stream));
  }

  /** Copies within a device, or from another one. */
  public void copy(DeviceMemory from, DeviceMemory to, long toOffset, long bytes) {
    copy(from, 0, to, toOffset, bytes);
  }

  /** Copies within a device, or from another one, to bytes that are not those copied. */
  public void copy(DeviceMemory from, long fromOffset, DeviceMemory to, long toOffset, long bytes) {
    // Addresses are unified, so the driver knows the devices.
    check(
        "cuMemcpyAsync",
        JCudaDriver.cuMemcpyAsync(to.at(toOffset), from.at(fromOffset), bytes, stream));
  }

  /** Sets bytes of device memory to a value. */
  public void fill(DeviceMemory memory, long offset, int value, long bytes) {
    check(
        "cuMemsetD8Async",
        JCudaDriver.cuMemsetD8Async(memory.at(offset), (byte) value, bytes, stream));
  }

  /** Puts in an event: it happens when all earlier work is done. */
  public void record(DeviceEvent event) {
    check("cuEventRecord", JCudaDriver.cuEventRecord(event.handle(), stream));
  }

  /** Makes later work wait until an event has happened. */
  public void await(DeviceEvent event) {
    check("cuStreamWaitEvent", JCudaDriver.cuStreamWaitEvent(stream, event.handle(), 0));
  }

  /** Waits on the calling thread for all work in the stream. */
  public void synchronize() {
    check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream));
  }

  /** Records the work that an action puts in as a graph, and does not run it. */
  public DeviceGraph capture(Runnable action) {
    check("cuStreamBeginCapture", JCudaDriver.cuStreamBeginCapture(stream, CAPTURE_THIS_THREAD));
    CUgraph graph = new CUgraph();
    try {
      action.run();
    } catch (RuntimeException e) {
      JCudaDriver.cuStreamEndCapture(stream, graph); // gives up; the first error counts
      throw e;
    }
    check("cuStreamEndCapture", JCudaDriver.cuStreamEndCapture(stream, graph));
    try {
      CUgraphExec instance = new CUgraphExec();
      check("cuGraphInstantiate", JCudaDriver.cuGraphInstantiate(instance, graph, 0));
      return new DeviceGraph(instance);
    } finally {
      check("cuGraphDestroy", JCudaDriver.cuGraphDestroy(graph));
    }
  }

  /** Puts in a graph. */
  public void launch(DeviceGraph graph) {
    check("cuGraphLaunch", JCudaDriver.cuGraphLaunch(graph.handle(), stream));
  }

  /** Releases the stream. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuStreamDestroy", JCudaDriver.cuStreamDestroy(stream));
    }
  }
}
