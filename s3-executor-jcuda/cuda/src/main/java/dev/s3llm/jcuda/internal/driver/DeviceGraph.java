package dev.s3llm.jcuda.internal.driver;

import static dev.s3llm.jcuda.internal.driver.DeviceException.check;

import jcuda.driver.CUgraphExec;
import jcuda.driver.JCudaDriver;

/** A captured sequence of launches; one call puts it into a stream. */
public final class DeviceGraph implements AutoCloseable {
  private final CUgraphExec instance;
  private boolean closed;

  DeviceGraph(CUgraphExec instance) {
    this.instance = instance;
  }

  CUgraphExec handle() {
    if (closed) {
      throw new IllegalStateException("the graph is closed");
    }
    return instance;
  }

  /** Releases the graph. Idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check("cuGraphExecDestroy", JCudaDriver.cuGraphExecDestroy(instance));
    }
  }
}
