package dev.s3llm.mutant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import dev.s3llm.scenario.SeedRun;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.platform.launcher.EngineFilter;
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

  /** Held while jqwik runs, whose stores and contexts are static and for one run at a time. */
  private static final Object JQWIK = new Object();

  private static final Map<Mutant, Future<@Nullable Object>> FAILURES = new HashMap<>();
  private static final Map<Mutant, Future<TestExecutionSummary>> SUMMARIES = new HashMap<>();

  /** Starts all runs, as many side by side as there are processors; the tests wait for theirs. */
  @BeforeAll
  static void start() {
    for (Mutant mutant : ofScenarios()) {
      FAILURES.put(mutant, RUNS.submit(() -> firstFailure(mutant)));
    }
    for (Mutant mutant : ofTests()) {
      SUMMARIES.put(mutant, RUNS.submit(() -> run(mutant, mutant.checker())));
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
      TestExecutionSummary summary = run(none, test);
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

  private static List<Method> methods(Class<?> type, String name) {
    List<Method> found =
        Arrays.stream(type.getDeclaredMethods())
            .filter(method -> name.isEmpty() || method.getName().equals(name))
            .filter(method -> !method.isSynthetic())
            .toList();
    assertThat(found).as("tests %s in %s", name, type).isNotEmpty();
    return found;
  }

  /**
   * Runs a test with a mutant.
   *
   * @param test name of a class below the root package; with {@code #} and the name of a method,
   *     only this one runs
   */
  private static TestExecutionSummary run(Mutant mutant, String test) throws Exception {
    String[] names = test.split("#", 2);
    Class<?> type = load(mutant, "dev.s3llm." + names[0]);
    String name = names.length == 1 ? "" : names[1];
    List<Method> methods = methods(type, name);
    LauncherDiscoveryRequestBuilder request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(name.isEmpty() ? selectClass(type) : selectMethod(type, methods.get(0)))
            .configurationParameter("jqwik.shrinking.default", "OFF"); // any failure will do
    boolean properties = methods.stream().anyMatch(m -> m.isAnnotationPresent(Property.class));
    if (properties) {
      synchronized (JQWIK) {
        return run(type, request);
      }
    }
    return run(type, request.filters(EngineFilter.excludeEngines("jqwik")));
  }

  private static TestExecutionSummary run(Class<?> type, LauncherDiscoveryRequestBuilder request) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    try {
      thread.setContextClassLoader(type.getClassLoader());
      LauncherFactory.create().execute(request.build(), listener);
    } finally {
      thread.setContextClassLoader(before);
    }
    return listener.getSummary();
  }
}
