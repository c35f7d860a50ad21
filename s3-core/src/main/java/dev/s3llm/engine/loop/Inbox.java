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

  /** Runs the queued commands, in order, and returns their number. Called by the loop. */
  int runAll(long now) {
    int work = 0;
    Command command;
    while ((command = commands.poll()) != null) {
      work++;
      command.run(now);
    }
    return work;
  }

  /** A command for the loop. */
  interface Command {
    /** Runs the command at this time, in nanoseconds of the engine's clock. */
    void run(long now);
  }
}
