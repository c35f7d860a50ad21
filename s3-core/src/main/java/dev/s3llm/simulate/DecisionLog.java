package dev.s3llm.simulate;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;

/** Computes a hash of all events in order (FNV-1a, 64 bit, over their text). Not thread-safe. */
final class DecisionLog implements EngineListener {
  private static final long PRIME = 0x100000001b3L;

  private long hash = 0xcbf29ce484222325L;

  @Override
  public void onEvent(EngineEvent event) {
    String text = event.toString();
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * PRIME;
    }
  }

  /** Returns the hash of the events so far. */
  long hash() {
    return hash;
  }
}
