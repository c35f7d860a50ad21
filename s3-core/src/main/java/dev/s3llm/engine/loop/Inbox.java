package dev.s3llm.engine.loop;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The queue of commands from other threads to the loop, which runs them in its next pass.
 * Thread-safe.
 */
final class Inbox {
  private final Queue<Command> commands = new ConcurrentLinkedQueue<>();
  private final Runnable wake;

  Inbox(Runnable wake) {
    this.wake = wake;
  }

  /** Queues a command and wakes the loop. */
  void add(Command command) {
    commands.add(command);
    wake.run();
  }

  /** Returns whether no command is queued. */
  boolean isEmpty() {
    return commands.isEmpty();
  }

  /**
   * Returns the number of queued commands. Takes a time in proportion to it. Called by the loop.
   */
  int queued() {
    return commands.size();
  }

  /**
   * Runs commands, in order. Called by the loop.
   *
   * @param count how many, at most {@link #queued}
   * @param now the time, in nanoseconds of the engine's clock
   */
  void run(int count, long now) {
    for (int i = 0; i < count; i++) {
      commands.remove().run(now);
    }
  }

  /** A command for the loop. */
  interface Command {
    /** Runs the command at this time, in nanoseconds of the engine's clock. */
    void run(long now);
  }
}
