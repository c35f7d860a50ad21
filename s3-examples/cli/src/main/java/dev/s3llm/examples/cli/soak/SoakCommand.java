package dev.s3llm.examples.cli.soak;

import dev.s3llm.S3Engine;
import dev.s3llm.examples.cli.options.ByteSize;
import dev.s3llm.examples.cli.options.JsonOption;
import dev.s3llm.examples.cli.options.ModelOptions;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.execute.Executor;
import dev.s3llm.observe.EngineSnapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Loads an engine beyond its capacity for a long time, with faults, and checks what remains. */
@Command(
    name = "soak",
    mixinStandardHelpOptions = true,
    description =
        "Loads an engine with cancellations, deadlines, bad consumers and faults; exits 1 if"
            + " memory or threads grow, or KV blocks are lost.")
public final class SoakCommand implements Callable<Integer> {
  private static final int MOST_SAMPLES = 60;
  private static final double LEAST_INTERVAL_SECONDS = 1;
  private static final int LIVE = 64;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private JsonOption json = new JsonOption();

  @Option(names = "--minutes", description = "duration in minutes (default: ${DEFAULT-VALUE})")
  private double minutes = 60;

  @Option(
      names = "--kv-budget",
      paramLabel = "SIZE",
      converter = ByteSize.Converter.class,
      description = "KV memory (default: ${DEFAULT-VALUE})",
      defaultValue = "3MiB")
  private ByteSize kvBudget = new ByteSize(3L << 20);

  @Option(
      names = "--fault-every",
      paramLabel = "N",
      description = "one step of N fails (default: ${DEFAULT-VALUE})",
      defaultValue = "500")
  private int faultEvery;

  @Option(names = "--seed", description = "seed of clients and faults (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  SoakCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    json.check();
    if (!(minutes > 0 && minutes <= 10_000)) {
      throw new UsageException("--minutes must be above 0 and at most 10000, but is " + minutes);
    }
    Numbers.requireAtLeast("--fault-every", 1, faultEvery);
    model.check();
    Executor executor = new FaultyExecutor(model.load(model.path(), kvBudget), faultEvery, seed);
    SoakTable table = new SoakTable(spec.commandLine().getOut());
    List<SoakSample> samples = new ArrayList<>();
    SoakEnd end = soak(executor, samples, table);
    SoakVerdict verdict = SoakVerdict.of(samples);
    table.print(verdict, end);
    json.write(
        Map.of(
            "samples", samples,
            "verdict", verdict,
            "whole", end.whole(),
            "unhealthy", end.unhealthy(),
            "refused_for_good", end.refusal()));
    return end.whole() && end.refusal().isEmpty() && verdict.flat() ? 0 : 1;
  }

  private SoakEnd soak(Executor executor, List<SoakSample> samples, SoakTable table)
      throws InterruptedException {
    try (S3Engine engine =
            S3Engine.builder(executor)
                .predictor(new FaultyPredictor(seed))
                .maxLiveRequests(LIVE)
                .build();
        SoakClients clients = new SoakClients(engine, executor.profile(), seed)) {
      table.header();
      long start = System.nanoTime();
      double interval = Math.max(LEAST_INTERVAL_SECONDS, 60 * minutes / MOST_SAMPLES);
      long rounds = Math.max(1, Math.round(60 * minutes / interval));
      for (int i = 0; i < rounds && clients.refusedForGood().isEmpty(); i++) {
        clients.run(Duration.ofMillis((long) (1e3 * interval)));
        double seconds = (System.nanoTime() - start) / 1e9;
        SoakSample sample = SoakSample.take(seconds, engine.snapshot(), clients);
        samples.add(sample);
        table.print(sample);
      }
      boolean answered = clients.awaitAll();
      boolean whole = awaitBlocks(engine) && answered && engine.health().healthy();
      return new SoakEnd(
          whole, clients.unhealthy(), clients.refusedForGood().map(Throwable::toString).orElse(""));
    }
  }

  /** Waits until every block is returned, because the last step may still be in flight. */
  private static boolean awaitBlocks(S3Engine engine) throws InterruptedException {
    for (int i = 0; i < 100; i++) {
      EngineSnapshot now = engine.snapshot();
      if (now.requests().live() == 0
          && now.memory().reservedBlocks() == 0
          && now.memory().hostAllocatedBlocks() == 0) {
        return true;
      }
      Thread.sleep(100);
    }
    return false;
  }
}
