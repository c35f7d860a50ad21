package dev.s3llm.scenario;

import java.util.function.Predicate;

/** Runs seeds, also for tests outside of the package. */
public final class SeedRun {
  /** One seed in this many runs twice and must make the same decisions. */
  static final int TWICE_EVERY = 10;

  private SeedRun() {}

  /**
   * Runs a seed, some seeds twice.
   *
   * @throws AssertionError if a checker fails; the message contains the command to replay it
   */
  static Scenario run(long seed) {
    Scenario scenario = new Scenario(seed).run();
    if (seed % TWICE_EVERY == 0 && new Scenario(seed).run().logHash() != scenario.logHash()) {
      throw new AssertionError("Determinism: " + scenario.replayLine("other decisions each time"));
    }
    return scenario;
  }

  /**
   * Returns the first failure of a checker, or null. Tries one seed first, and then all below a
   * limit.
   *
   * @param checker name of the checker
   * @param likely the seed to try first
   * @param limit number of seeds to try
   */
  public static String firstFailure(String checker, long likely, long limit) {
    Predicate<String> wanted = message -> message.startsWith(checker + ":");
    String failure = failure(likely);
    for (long seed = 0; seed < limit && (failure == null || !wanted.test(failure)); seed++) {
      failure = failure(seed);
    }
    return failure != null && wanted.test(failure) ? failure : null;
  }

  private static String failure(long seed) {
    try {
      run(seed);
      return null;
    } catch (AssertionError e) {
      return e.getMessage();
    }
  }
}
