package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.options.JsonOption;
import dev.s3llm.examples.cli.simulation.PrefixOptions;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.execute.Executor;
import dev.s3llm.memory.PrefixSharing;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures what shared prefixes save on real steps, for made-up work that begins alike. */
@Command(
    name = "prefix",
    mixinStandardHelpOptions = true,
    description = {
      "Measures what shared prefixes save on real steps: one system prompt for many users,",
      "conversations, and loops of an agent, with random tokens."
    })
public final class PrefixBenchCommand implements Callable<Integer> {

  @Mixin private ServedModel model = new ServedModel();
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--workload",
      split = ",",
      description = "system-prompt, conversation, agent (default: ${DEFAULT-VALUE})",
      defaultValue = "system-prompt,conversation,agent")
  private List<String> workloads = List.of();

  @Option(
      names = "--prefix",
      split = ",",
      description = "none, lru or expected; the first is the baseline (default: ${DEFAULT-VALUE})",
      defaultValue = "none,lru,expected")
  private List<String> prefixes = List.of();

  @Option(
      names = "--smaller",
      paramLabel = "N",
      description =
          "divide sessions, calls and common tokens by N, for slow devices (default:"
              + " ${DEFAULT-VALUE})",
      defaultValue = "1")
  private int smaller;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  PrefixBenchCommand() {}

  @Override
  public Integer call() {
    json.check();
    if (smaller < 1) {
      throw new UsageException("--smaller must be at least 1, but is " + smaller);
    }
    List<PrefixWorkload> works = workloads.stream().map(this::workload).toList();
    prefixes.forEach(PrefixBenchCommand::sharing);
    model.check();
    try (Executor executor = model.load(spec.commandLine().getErr())) {
      works.forEach(work -> requireFits(work, executor));
      json.write(
          run(new PrefixBench(executor, model.maxTokensPerStep(), model.maxRunning()), works));
    }
    return 0;
  }

  private List<PrefixBench.Row> run(PrefixBench bench, List<PrefixWorkload> works) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "workload       prefix     seconds  of first  prompt tokens   cached  output tok/s  ttft mean"
            + "      p99");
    List<PrefixBench.Row> rows = new ArrayList<>();
    for (PrefixWorkload work : works) {
      bench.run(work.smaller(work.sessions()), "warm-up", sharing(prefixes.get(0)));
      double first = 0;
      for (String prefix : prefixes) {
        PrefixBench.Row row = bench.run(work, prefix, sharing(prefix));
        first = first == 0 ? row.seconds() : first;
        rows.add(row);
        print(out, row, first / row.seconds());
      }
    }
    return rows;
  }

  private static void print(PrintWriter out, PrefixBench.Row row, double ofFirst) {
    out.printf(
        "%-14s %-9s %8.2f %8.2fx %14d %7.1f%% %13.1f %10.3f %8.3f%n",
        row.workload(),
        row.prefix(),
        row.seconds(),
        ofFirst,
        row.promptTokens(),
        100.0 * row.cachedTokens() / row.promptTokens(),
        row.outputTokens() / row.seconds(),
        row.firstTokenMean(),
        row.firstTokenP99());
    out.flush();
  }

  private PrefixWorkload workload(String name) {
    PrefixWorkload work =
        switch (name) {
          case "system-prompt" -> PrefixWorkload.SYSTEM_PROMPT;
          case "conversation" -> PrefixWorkload.CONVERSATION;
          case "agent" -> PrefixWorkload.AGENT;
          default ->
              throw new UsageException(
                  "--workload " + name + ": must be one of system-prompt, conversation, agent");
        };
    return work.smaller(smaller);
  }

  private static PrefixSharing sharing(String name) {
    PrefixSharing sharing = PrefixOptions.named(name);
    if (sharing == null) {
      throw new UsageException("--prefix " + name + ": must be one of none, lru, expected");
    }
    return sharing;
  }

  private void requireFits(PrefixWorkload work, Executor executor) {
    long room =
        Math.min(executor.profile().maxContextTokens(), executor.profile().capacityTokens());
    if (work.longest() > room) {
      throw new UsageException(
          "--workload %s has sequences of %d tokens, but context and memory hold %d; raise --max-length and --kv-gb, or set --smaller"
              .formatted(work.name(), work.longest(), room));
    }
  }
}
