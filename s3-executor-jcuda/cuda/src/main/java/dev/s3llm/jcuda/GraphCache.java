package dev.s3llm.jcuda;

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
 * kernel, which also loads the kernels; the second is captured. The graphs used least recently are
 * released; where the device has no memory for one more, all are, and the step goes on without.
 */
final class GraphCache implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GraphCache.class);
  private static final int MOST = 128;

  private final Map<StepShape, DeviceGraph> graphs = new LinkedHashMap<>(16, 0.75f, true);
  private final Set<StepShape> seen = new HashSet<>();
  private boolean toldOfNoRoom;

  /** Puts a step into a stream, as a graph if its shape came before. */
  void launch(DeviceStream stream, StepShape shape, Runnable kernels) {
    if (!seen.contains(shape)) {
      kernels.run();
      seen.add(shape); // only now are its kernels loaded, as a capture needs them
      return;
    }
    try {
      stream.launch(graph(stream, shape, kernels));
    } catch (DeviceException e) {
      if (!e.outOfMemory()) {
        throw e;
      }
      sayNoRoom(e);
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

  private void sayNoRoom(DeviceException e) {
    String message = "no memory for the graph of a step, which runs without; lower kvBytes";
    if (toldOfNoRoom) {
      LOG.debug(message, e);
    } else {
      toldOfNoRoom = true;
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

  /** Releases all graphs; those that run end first. Later steps capture theirs anew. */
  @Override
  public void close() {
    graphs.values().forEach(DeviceGraph::close);
    graphs.clear();
  }
}
