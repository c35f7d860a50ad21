package dev.s3llm.jcuda;

import dev.s3llm.jcuda.kernel.DeviceGraph;
import dev.s3llm.jcuda.kernel.DeviceStream;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Runs steps of the same shape as one graph. The first step of a shape is launched kernel by
 * kernel, which also loads the kernels; the second is captured. The graphs used least recently are
 * released.
 */
final class GraphCache implements AutoCloseable {
  private static final int MOST = 128;

  private final Map<StepShape, DeviceGraph> graphs = new LinkedHashMap<>(16, 0.75f, true);
  private final Set<StepShape> seen = new HashSet<>();

  /** Puts a step into a stream, as a graph if its shape came before. */
  void launch(DeviceStream stream, StepShape shape, Runnable kernels) {
    if (seen.add(shape)) {
      kernels.run();
      return;
    }
    DeviceGraph graph = graphs.get(shape);
    if (graph == null) {
      graph = stream.capture(kernels);
      graphs.put(shape, graph);
      releaseOldest();
    }
    stream.launch(graph);
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

  @Override
  public void close() {
    graphs.values().forEach(DeviceGraph::close);
    graphs.clear();
  }
}
