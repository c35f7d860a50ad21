package dev.s3llm.engine.loop;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** What other threads ask of the loop; it acts on it in its next pass. Thread-safe. */
final class Inbox {
  private final Queue<Command> commands = new ConcurrentLinkedQueue<>();
  private final Runnable wake;

  Inbox(Runnable wake) {
    this.wake = wake;
  }

  void add(Command command) {
    commands.add(command);
    wake.run();
  }

  boolean isEmpty() {
    return commands.isEmpty();
  }

  /** Runs what has come, in order; returns how much it was. Called by the loop. */
  int takeIn(long now) {
    int work = 0;
    Command command;
    while ((command = commands.poll()) != null) {
      work++;
      command.run(now);
    }
    return work;
  }

  /** Something to do at the loop's time. */
  interface Command {
    void run(long now);
  }
}
