package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.S3Engine;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import dev.s3llm.observe.EngineSnapshot;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Loads an engine beyond its capacity for a long time, with faults, and looks at what it leaves.
 */
@Command(
    name = "soak",
    mixinStandardHelpOptions = true,
    description =
        "Churn with cancellations, deadlines, bad consumers and faults; exits 1 if memory or"
            + " threads grow, or KV blocks are lost.")
final class SoakCommand implements Callable<Integer> {
  private static final int MOST_SAMPLES = 60;
  private static final double LEAST_INTERVAL_SECONDS = 1;
  private static final int LIVE = 64;

  @Option(names = "--minutes", description = "how long (default: ${DEFAULT-VALUE})")
  private double minutes = 60;

  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description = "as for generate (default: the embedded small model)")
  private @Nullable Path model;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      converter = DeviceChoice.Converter.class,
      description = "host, cuda, or cuda:N,M... (default: ${DEFAULT-VALUE})",
      defaultValue = "host")
  private DeviceChoice device = DeviceChoice.HOST;

  @Option(
      names = "--kv-budget",
      paramLabel = "SIZE",
      converter = ByteSize.Converter.class,
      description = "KV memory (default: ${DEFAULT-VALUE})",
      defaultValue = "3MiB")
  private ByteSize kvBudget = new ByteSize(3L << 20);

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the model on the host (default: one a processor)",
      defaultValue = "0")
  private int threads;

  @Option(
      names = "--fault-every",
      paramLabel = "N",
      description = "one step of so many fails (default: ${DEFAULT-VALUE})",
      defaultValue = "500")
  private int faultEvery;

  @Option(names = "--seed", description = "of clients and faults (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  @Option(names = "--json", paramLabel = "FILE", description = "write the samples here as well")
  private @Nullable String json;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  SoakCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    OutputFile jsonFile = OutputFile.checked("--json", json);
    if (!(minutes > 0 && minutes <= 10_000)) {
      throw new UsageException("--minutes must be above 0 and at most 10000, but is " + minutes);
    }
    if (faultEvery < 1) {
      throw new UsageException("--fault-every must be at least 1, but is " + faultEvery);
    }
    Path folder = model == null ? SmallModel.unpack() : model;
    Executor executor =
        new FaultyExecutor(
            ModelLoader.load(folder, device, kvBudget.bytes(), threads), faultEvery, seed);
    List<SoakSample> samples = new ArrayList<>();
    End end = soak(executor, samples);
    SoakVerdict verdict = SoakVerdict.of(samples);
    tell(verdict, end);
    if (jsonFile != null) {
      Map<String, Object> all =
          Map.of(
              "samples", samples,
              "verdict", verdict,
              "whole", end.whole,
              "unhealthy", end.unhealthy,
              "refused_for_good", end.refusal);
      jsonFile.write(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(all));
    }
    return end.whole && end.refusal.isEmpty() && verdict.flat() ? 0 : 1;
  }

  /**
   * How it ended.
   *
   * @param whole whether every result came and every block came back
   * @param unhealthy requests refused because the engine was
   * @param refusal why the engine took no more requests; empty if it took them to the end
   */
  private record End(boolean whole, long unhealthy, String refusal) {}

  private End soak(Executor executor, List<SoakSample> samples) throws InterruptedException {
    try (S3Engine engine =
            S3Engine.builder(executor)
                .predictor(new FaultyPredictor(seed))
                .maxLiveRequests(LIVE)
                .build();
        SoakClients clients = new SoakClients(engine, executor.profile(), seed)) {
      header();
      long start = System.nanoTime();
      double interval = Math.max(LEAST_INTERVAL_SECONDS, 60 * minutes / MOST_SAMPLES);
      long rounds = Math.max(1, Math.round(60 * minutes / interval));
      for (int i = 0; i < rounds && clients.refusedForGood().isEmpty(); i++) {
        clients.run(Duration.ofMillis((long) (1e3 * interval)));
        double seconds = (System.nanoTime() - start) / 1e9;
        SoakSample sample = SoakSample.take(seconds, engine.snapshot(), clients);
        samples.add(sample);
        print(sample);
      }
      boolean answered = clients.awaitAll();
      boolean whole = awaitBlocks(engine) && answered && engine.health().healthy();
      return new End(
          whole, clients.unhealthy(), clients.refusedForGood().map(Throwable::toString).orElse(""));
    }
  }

  /** Whether every block comes back; the last step may still be in flight. */
  private static boolean awaitBlocks(S3Engine engine) throws InterruptedException {
    for (int i = 0; i < 100; i++) {
      EngineSnapshot now = engine.snapshot();
      if (now.live() == 0 && now.reservedBlocks() == 0 && now.hostAllocatedBlocks() == 0) {
        return true;
      }
      Thread.sleep(100);
    }
    return false;
  }

  private void header() {
    out()
        .println(
            "   time  heap MiB  RSS MiB  threads  KV use  live  finished  cancelled  timed out"
                + "  failed  refused  preempted  outgrown  fallbacks  callback errors");
  }

  private void print(SoakSample s) {
    PrintWriter out = out();
    out.printf(
        "%5.0f s %9.1f %8s %8d %4.0f %% %6d %9d %10d %10d %7d %8d %10d %9d %10d %16d%n",
        s.seconds(),
        s.heapBytes() / (double) (1 << 20),
        s.residentBytes() < 0 ? "n/a" : Long.toString(s.residentBytes() >> 20),
        s.threads(),
        100.0 * s.allocatedBlocks() / s.capacityBlocks(),
        s.live(),
        s.finished(),
        s.cancelled(),
        s.timedOut(),
        s.failed(),
        s.refused(),
        s.preemptions(),
        s.outgrown(),
        s.predictorFallbacks(),
        s.callbackFailures());
    out.flush();
  }

  private void tell(SoakVerdict verdict, End end) {
    PrintWriter out = out();
    verdict.growths().forEach(growth -> out.println(growth + (growth.flat() ? "" : "  GREW")));
    String memory = verdict.told() ? (verdict.flat() ? "flat" : "NOT FLAT") : "too short to tell";
    out.printf(
        "memory and threads: %s; pools: %s%n",
        memory, end.whole ? "whole, every request answered" : "NOT WHOLE, OR REQUESTS UNANSWERED");
    if (end.unhealthy > 0) {
      out.printf("refused because the engine was unhealthy: %d%n", end.unhealthy);
    }
    if (!end.refusal.isEmpty()) {
      out.println("ENDED EARLY: " + end.refusal);
    }
    out.flush();
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}
