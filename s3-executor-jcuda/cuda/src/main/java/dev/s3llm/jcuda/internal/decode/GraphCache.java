package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.StepShape;
import dev.s3llm.jcuda.internal.driver.DeviceException;
import dev.s3llm.jcuda.internal.driver.DeviceGraph;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs steps of the same shape as one graph. The first step of a shape is launched kernel by
 * kernel, which also loads the kernels; the second is captured. Beyond a limit the graph that was
 * used least recently is released. If the device has no memory for a graph, all graphs are released
 * and the step runs without one.
 */
final class GraphCache implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GraphCache.class);
  private static final int MOST = 128;

  private final Map<StepShape, DeviceGraph> graphs = new LinkedHashMap<>(16, 0.75f, true);
  private final Set<StepShape> seen = new HashSet<>();
  private boolean warned;

  /**
   * Puts a step into a stream, as a graph if its shape occurred before.
   *
   * @param kernels puts the kernels of the step into the stream
   */
  void launch(DeviceStream stream, StepShape shape, Runnable kernels) {
    if (!seen.contains(shape)) {
      kernels.run();
      seen.add(shape); // now its kernels are loaded, which a capture requires
      return;
    }
    try {
      stream.launch(graph(stream, shape, kernels));
    } catch (DeviceException e) {
      if (!e.outOfMemory()) {
        throw e;
      }
      warnOnce(e);
      close();
      kernels.run();
    }
  }

  private DeviceGraph graph(DeviceStream stream, StepShape shape, Runnable kernels) {
    DeviceGraph graph = graphs.get(shape);
    if (graph == null) {
      graph = stream.capture(kernels);
      graphs.put(shape, graph);
      releaseOldest();
    }
    return graph;
  }

  private void warnOnce(DeviceException e) {
    String message =
        "the device has no memory for the graph of a step; the step runs without it; lower kvBytes";
    if (warned) {
      LOG.debug(message, e);
    } else {
      warned = true;
      LOG.warn(message, e);
    }
  }

  private void releaseOldest() {
    if (graphs.size() > MOST) {
      StepShape oldest = graphs.keySet().iterator().next();
      DeviceGraph graph = graphs.remove(oldest);
      if (graph != null) {
        graph.close();
      }
    }
  }

  /** Releases all graphs, after those that run have ended. Later steps capture new ones. */
  @Override
  public void close() {
    graphs.values().forEach(DeviceGraph::close);
    graphs.clear();
  }
}
