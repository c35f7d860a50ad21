package dev.s3llm.text.internal.grammar;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A configuration of the automaton: all states, each with its stack, that the bytes so far may have
 * led to, and whether they may be the whole text. Immutable but for the known successors, which
 * several threads may set to equal values.
 */
final class Config {
  final int[] states;
  final @Nullable Frame[] frames;

  /** Whether the stack may be empty: what was begun may end here. */
  final boolean complete;

  /** An upper bound of the least number of tokens to the end; 0 if complete. */
  final int cost;

  private final int hash;
  private Config @Nullable [] next;

  Config(int[] states, @Nullable Frame[] frames, boolean complete, int cost) {
    this.states = states;
    this.frames = frames;
    this.complete = complete;
    this.cost = cost;
    int mixed = Arrays.hashCode(states);
    for (Frame frame : frames) {
      mixed = 31 * mixed + (frame == null ? 0 : frame.hashCode());
    }
    this.hash = 2 * mixed + (complete ? 1 : 0);
  }

  /** Returns the known successor for a class of bytes; null if it is not known. */
  @Nullable Config known(int byteClass) {
    Config[] all = next;
    return all == null ? null : all[byteClass];
  }

  void remember(int byteClass, Config successor, int classes) {
    Config[] all = next;
    if (all == null) {
      all = new Config[classes];
      next = all;
    }
    all[byteClass] = successor;
  }

  /** Forgets the known successors. */
  void forget() {
    next = null;
  }

  /** Returns the bytes of a configuration with its successors and a frame of its own, about. */
  long bytes(int classes) {
    return 160 + 8L * states.length + 4L * classes;
  }

  /** Returns whether no byte may follow. */
  boolean isEnd() {
    return states.length == 0;
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof Config config)
        || config.hash != hash
        || config.complete != complete
        || !Arrays.equals(states, config.states)) {
      return false;
    }
    for (int i = 0; i < frames.length; i++) {
      if (!Frame.same(frames[i], config.frames[i])) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
