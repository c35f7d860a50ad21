package dev.s3llm.scenario;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/** The callback executor of a scenario, which runs tasks in any order, as a pool of threads may. */
final class CallbackPool implements Executor {
  /** When a task runs. */
  enum Mode {
    /** Later, in any order. */
    QUEUED,
    /** At once, on the caller's thread. */
    INLINE
  }

  private final Mode mode;
  private final Random random;
  private final FaultPlan faults;
  private final List<Runnable> queue = new ArrayList<>();

  CallbackPool(Mode mode, Random random, FaultPlan faults) {
    this.mode = mode;
    this.random = random;
    this.faults = faults;
  }

  @Override
  public void execute(Runnable task) {
    if (faults.strikes(Fault.CALLBACKS_REFUSE, 8)) {
      throw new RejectedExecutionException("planted");
    }
    if (faults.strikes(Fault.CALLBACKS_BREAK, 8)) {
      if (random.nextBoolean()) {
        throw new OutOfMemoryError("planted: unable to create native thread");
      }
      throw new IllegalStateException("planted");
    }
    if (mode == Mode.INLINE) {
      task.run();
    } else {
      queue.add(task);
    }
  }

  /** Runs up to a number of tasks; returns how many it has run. */
  int pump(int most) {
    int ran = 0;
    while (ran < most && !queue.isEmpty()) {
      Runnable task = queue.remove(random.nextInt(queue.size()));
      ran++;
      run(task);
    }
    return ran;
  }

  /** Runs a task and ignores what it throws, like a pool that replaces a thread. */
  private static void run(Runnable task) {
    try {
      task.run();
    } catch (Violation e) {
      throw e;
    } catch (RuntimeException | Error e) {
      // a real pool would replace its thread
    }
  }

  boolean isEmpty() {
    return queue.isEmpty();
  }
}
