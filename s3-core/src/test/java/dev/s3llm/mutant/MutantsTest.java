package dev.s3llm.mutant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.s3llm.scenario.SeedRun;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * Plants bugs in main code, one at a time, and checks that the intended checker or test detects
 * each. A mutant costs the compilation of one file and a class loader. {@code -Ds3.mutant=PREFIX}
 * runs the mutants whose names start with this prefix.
 */
class MutantsTest {
  /** The most seeds that a mutant may survive. */
  private static final long SEEDS = 2_000;

  /** A compiler is for one thread at a time. */
  private static final ThreadLocal<MutantCompiler> COMPILERS =
      ThreadLocal.withInitial(MutantCompiler::new);

  private static final ExecutorService RUNS =
      Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());

  private static final Map<Mutant, Future<@Nullable Object>> FAILURES = new HashMap<>();
  private static final Map<Mutant, Future<TestExecutionSummary>> SUMMARIES = new HashMap<>();

  /** Starts all runs, as many side by side as there are processors; the tests wait for theirs. */
  @BeforeAll
  static void start() {
    for (Mutant mutant : ofScenarios()) {
      FAILURES.put(mutant, RUNS.submit(() -> firstFailure(mutant)));
    }
    for (Mutant mutant : ofTests()) {
      SUMMARIES.put(mutant, RUNS.submit(() -> run(load(mutant, "dev.s3llm." + mutant.checker()))));
    }
  }

  @AfterAll
  static void stop() {
    RUNS.shutdownNow();
  }

  private static @Nullable Object firstFailure(Mutant mutant) throws Exception {
    return load(mutant, SeedRun.class.getName())
        .getMethod("firstFailure", String.class, long.class, long.class)
        .invoke(null, mutant.checker(), mutant.seed(), SEEDS);
  }

  @ParameterizedTest(name = "{0}", allowZeroInvocations = true)
  @MethodSource("ofScenarios")
  void mutantOfTheEngine_isSeenByItsChecker(Mutant mutant) throws Exception {
    Object failure = FAILURES.get(mutant).get();
    assertThat(failure)
        .as("%s survives %d seeds of %s", mutant, SEEDS, mutant.checker())
        .isNotNull();
    System.out.println(mutant + ": " + failure.toString().replaceAll("pass.*seed=", "-Ds3.seed="));
  }

  @ParameterizedTest(name = "{0}", allowZeroInvocations = true)
  @MethodSource("ofTests")
  void mutantOfAPart_isSeenByItsTest(Mutant mutant) throws Exception {
    TestExecutionSummary summary = SUMMARIES.get(mutant).get();
    assertThat(summary.getTestsFoundCount()).as("tests in %s", mutant.checker()).isPositive();
    assertThat(summary.getTestsFailedCount())
        .as("%s survives %s", mutant, mutant.checker())
        .isPositive();
  }

  @Test
  void withoutABug_theMachinerySeesNone() throws Exception {
    Mutant none =
        new Mutant(
            "none",
            "engine/loop/SequenceFinisher.java",
            "final class SequenceFinisher",
            "final class SequenceFinisher",
            "",
            0);
    Object failure =
        load(none, SeedRun.class.getName())
            .getMethod("firstFailure", String.class, long.class, long.class)
            .invoke(null, "", 1L, 50L);
    assertThat(failure).isNull();
    for (String test : Mutants.OF_TESTS.stream().map(Mutant::checker).distinct().toList()) {
      TestExecutionSummary summary = run(load(none, "dev.s3llm." + test));
      assertThat(summary.getTestsSucceededCount()).as(test).isPositive();
      assertThat(summary.getTestsFailedCount()).as(test).isZero();
    }
  }

  @Test
  void chosenMutants_exist() {
    assertThat(ofScenarios().size() + ofTests().size()).as("-Ds3.mutant chooses").isPositive();
  }

  static List<Mutant> ofScenarios() {
    return chosen(Mutants.OF_SCENARIOS);
  }

  static List<Mutant> ofTests() {
    return chosen(Mutants.OF_TESTS);
  }

  private static List<Mutant> chosen(List<Mutant> all) {
    String prefix = System.getProperty("s3.mutant", "");
    return all.stream().filter(m -> m.name().startsWith(prefix)).toList();
  }

  private static Class<?> load(Mutant mutant, String name) throws ClassNotFoundException {
    ClassLoader loader =
        new MutantLoader(MutantsTest.class.getClassLoader(), COMPILERS.get().compile(mutant));
    return loader.loadClass(name);
  }

  private static TestExecutionSummary run(Class<?> test) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    try {
      thread.setContextClassLoader(test.getClassLoader());
      LauncherFactory.create()
          .execute(
              LauncherDiscoveryRequestBuilder.request().selectors(selectClass(test)).build(),
              listener);
    } finally {
      thread.setContextClassLoader(before);
    }
    return listener.getSummary();
  }
}
