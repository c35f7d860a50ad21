package dev.s3llm.examples.speech.page;

import dev.s3llm.model.speech.CanvasListener;
import java.util.ArrayList;
import java.util.List;

/**
 * Records the passes over one canvas. Written by the executor's thread, read after the request has
 * ended. If the request starts over, it forgets the passes before. Thread-safe.
 */
public final class CanvasTrace implements CanvasListener {
  private final List<Pass> passes = new ArrayList<>();
  private long since = System.nanoTime();

  /** Creates a trace without passes, whose time starts now. */
  public CanvasTrace() {}

  /**
   * A pass.
   *
   * @param state the canvas after it
   * @param millis time since the report before; of the first pass, since the trace was created
   */
  record Pass(CanvasState state, double millis) {}

  @Override
  public synchronized void passed(CanvasState state) {
    if (state.pass() == 1) {
      passes.clear();
    }
    long now = System.nanoTime();
    passes.add(new Pass(state, (now - since) / 1e6));
    since = now;
  }

  /** Returns the passes, in order. */
  synchronized List<Pass> passes() {
    return List.copyOf(passes);
  }
}
