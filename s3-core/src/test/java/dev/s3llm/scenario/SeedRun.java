package dev.s3llm.scenario;

import java.util.function.Predicate;

/** Runs seeds for tests outside of the package. */
public final class SeedRun {
  /** One seed in so many runs twice, and must make the same decisions. */
  static final int TWICE_EVERY = 10;

  private SeedRun() {}

  /**
   * Runs a seed, perhaps twice.
   *
   * @throws AssertionError with a message that replays it if a promise is broken
   */
  static Scenario run(long seed) {
    Scenario scenario = new Scenario(seed).run();
    if (seed % TWICE_EVERY == 0 && new Scenario(seed).run().logHash() != scenario.logHash()) {
      throw new AssertionError("Determinism: " + scenario.replayLine("other decisions each time"));
    }
    return scenario;
  }

  /**
   * The first failure that is looked for, or null: of one seed, and then of all below the limit.
   *
   * @param checker whose failure is looked for
   * @param likely the seed to try first
   * @param limit seeds to try
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
