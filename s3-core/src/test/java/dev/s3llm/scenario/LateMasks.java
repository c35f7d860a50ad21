package dev.s3llm.scenario;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;

/** Makes the masks of constraints: some at once, some late, in any order. */
final class LateMasks implements Executor {
  private final List<Runnable> late = new ArrayList<>();
  private final Random random;

  /**
   * Creates an executor without work.
   *
   * @param seed chooses what is late; the scenario's own choices do not depend on it
   */
  LateMasks(long seed) {
    random = new Random(seed);
  }

  @Override
  public void execute(Runnable work) {
    if (random.nextInt(3) == 0) {
      work.run();
    } else {
      late.add(work);
    }
  }

  /** Does some or all of the work; returns how much. */
  int progress(boolean all) {
    int done = 0;
    while (!late.isEmpty() && (all || random.nextInt(3) == 0)) {
      late.remove(random.nextInt(late.size())).run();
      done++;
    }
    return done;
  }

  boolean isEmpty() {
    return late.isEmpty();
  }
}
