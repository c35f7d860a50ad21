package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.model.speech.CanvasListener;
import org.jspecify.annotations.Nullable;

/**
 * Remembers how often one recording's canvas was doubled, and passes all reports on to another
 * listener. Written by the executor's thread, read after the request's end.
 */
final class CanvasLog implements CanvasListener {
  private final @Nullable CanvasListener next;
  private volatile int doublings;

  CanvasLog(@Nullable CanvasListener next) {
    this.next = next;
  }

  @Override
  public void passed(CanvasState state) {
    doublings = state.doublings();
    if (next != null) {
      next.passed(state);
    }
  }

  int doublings() {
    return doublings;
  }
}
