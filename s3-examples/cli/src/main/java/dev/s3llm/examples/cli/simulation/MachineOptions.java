package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.options.OrderChoice;
import dev.s3llm.examples.cli.simulation.CardOptions.Placement;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.simulate.CostModel;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The simulated model and GPU, the engine's settings, the policies and the latency targets. */
public final class MachineOptions {
  private static final String ON_DEMAND = "on-demand:";
  private static final double BYTES_PER_GB = 1e9;
  private static final double MAX_KV_GB = 100_000;
  private static final int MAX_TOKENS = 1 << 24;

  @Option(
      names = "--model",
      required = true,
      description = "gpt-j-6b, llama-13b, llama-33b, llama-70b, or a JSON file.")
  private String model;

  @Option(
      names = "--gpu",
      required = true,
      description = "a100-80gb, h200, h200-s3, or a JSON file.")
  private String gpu;

  @Mixin private CardOptions cards = new CardOptions();

  @Mixin private MemoryOptions memory = new MemoryOptions();

  @Option(
      names = "--max-length",
      defaultValue = "2048",
      description = "Most tokens of a sequence, prompt included.")
  private int maxLength;

  @Option(
      names = "--policy",
      split = ",",
      defaultValue = "worst-case,s3,oracle,on-demand",
      description =
          "Policies to compare: worst-case, s3, oracle, on-demand, forecast, clairvoyant, or "
              + "on-demand:W with the share W of memory kept free. The first is the baseline.")
  private List<String> policies = List.of();

  @Option(
      names = "--order",
      split = ",",
      defaultValue = OrderChoice.BASELINE,
      completionCandidates = OrderChoice.Names.class,
      description =
          "Queue orders to compare: ${COMPLETION-CANDIDATES}; or ORDER:N, which may overtake a "
              + "waiting request N times; or srpt:R, which ages requests by R with each turn of the "
              + "queue. Each policy runs in each order; the first is the baseline.")
  private List<String> orders = List.of();

  @Mixin private TargetOptions targets = new TargetOptions();

  @Option(
      names = "--keep-tpot",
      description = "Let the engine keep --slo-tpot by smaller batches and prefill chunks.")
  private boolean keepTpot;

  @Option(names = "--recompute-only", description = "Never swap to host memory.")
  private boolean recomputeOnly;

  @Option(names = "--block-tokens", defaultValue = "16", description = "Tokens of a KV block.")
  private int blockTokens;

  @Option(
      names = "--max-tokens-per-step",
      description =
          "Token budget of a step. Default: 512, or --max-running if that is more; 8192 with --canvas-passes.")
  private @Nullable Integer maxTokensPerStep;

  @Option(names = "--max-running", defaultValue = "512", description = "Largest batch.")
  private int maxRunning;

  @Mixin private PrefixOptions prefixes = new PrefixOptions();

  @Option(
      names = "--canvas-passes",
      paramLabel = "N",
      description =
          "Simulate a masked decoder that makes N passes over a canvas; prompts are whole inputs.")
  private @Nullable Integer canvasPasses;

  @Option(
      names = "--max-overtakes",
      paramLabel = "N",
      description =
          "How many requests may overtake a waiting one, under every order. By default 1000; "
              + "100000 for srpt, whose requests age.")
  private @Nullable Integer maxOvertakes;

  /** Created by a command; picocli sets the fields. */
  @SuppressWarnings("NullAway.Init")
  public MachineOptions() {}

  /** Returns the model's preset or file, as the user wrote it. */
  public String model() {
    return model;
  }

  /** Returns the GPU's preset or file, as the user wrote it. */
  public String gpu() {
    return gpu;
  }

  /**
   * Returns the memory of an engine for keys and values, in units of 1e9 bytes.
   *
   * @throws UsageException if not exactly one option gives the memory, or there is no such model
   */
  public double kvGb() {
    return kvGb(cards.placement());
  }

  private double kvGb(Placement placement) {
    return memory.kvGb(shape(), placement.cards());
  }

  /**
   * Returns the placements of engines to compare.
   *
   * @throws UsageException if the cards cannot be shared equally, or the memory of an engine is
   *     given where it differs between placements
   */
  public List<Placement> placements() {
    List<Placement> placements = cards.placements();
    if (placements.size() > 1 && memory.name().equals(MemoryOptions.OF_ENGINE)) {
      throw new UsageException(
          "--kv-gb: the memory of an engine depends on its cards; use --card-gb, or give"
              + " --engines");
    }
    return placements;
  }

  /**
   * Returns the number of engines.
   *
   * @throws UsageException if the cards cannot be shared equally
   */
  public int engines() {
    return cards.placement().engines();
  }

  /** Returns whether the weights fit the cards of an engine. */
  public boolean fits(Placement placement) {
    return memory.fits(shape(), placement.cards());
  }

  /** Returns the name of the option that gives the memory, for messages. */
  public String memoryOption() {
    return memory.name();
  }

  private CostModel.ModelShape shape() {
    return memory.shape(ProfileFiles.model(model));
  }

  /** Returns the most tokens of a sequence, prompt included. */
  public int maxLength() {
    return maxLength;
  }

  /** Returns the names of the queue orders. */
  public String orderNames() {
    return String.join(", ", orders);
  }

  /**
   * Returns the policies to compare, the baseline first.
   *
   * @throws UsageException if one is unknown
   */
  public List<SimulationPolicy> policies() {
    return policies.stream().map(MachineOptions::policy).toList();
  }

  /**
   * Returns the policy with this name.
   *
   * @param name a name of {@code --policy}
   * @throws UsageException if there is no such policy
   */
  public static SimulationPolicy policy(String name) {
    if (name.startsWith(ON_DEMAND)) {
      return onDemand(name);
    }
    return SimulationPolicy.named(name.strip())
        .orElseThrow(
            () ->
                new UsageException(
                    "--policy %s: must be one of %s"
                        .formatted(
                            name,
                            SimulationPolicy.all().stream().map(SimulationPolicy::name).toList())));
  }

  private static SimulationPolicy onDemand(String name) {
    try {
      return SimulationPolicy.onDemand(Numbers.orNaN(name.substring(ON_DEMAND.length())));
    } catch (IllegalArgumentException e) {
      throw new UsageException("--policy " + name + ": " + e.getMessage());
    }
  }

  /** Returns whether the user set a latency target. */
  public boolean hasTargets() {
    return targets.given();
  }

  /**
   * Returns the latency targets, infinite where the user set none.
   *
   * @throws UsageException if one is not above 0
   */
  public Simulation.LatencyTargets targets() {
    return targets.targets();
  }

  private boolean keepTpot() {
    if (keepTpot && !targets.hasTpot()) {
      throw new UsageException("--keep-tpot: needs --slo-tpot");
    }
    return keepTpot;
  }

  /**
   * A simulation in one of the queue orders, with one of the settings of shared prefixes.
   *
   * @param order the name of the order, as the user wrote it
   * @param prefix the name of the setting, as the user wrote it
   * @param simulation the simulation
   */
  public record Ordered(String order, String prefix, Simulation simulation) {
    /** Returns the name of the order, with that of the setting where prefixes are shared. */
    public String label() {
      return PrefixOptions.label(order, prefix);
    }
  }

  /**
   * Creates a simulation for each order, and for each of these one for each setting of shared
   * prefixes.
   *
   * @param memoryOption the option that gives the memory, for messages
   * @param kvGigabytes memory for keys and values, in units of 1e9 bytes
   * @param predictor the source of the predictions
   * @throws UsageException if an option is out of range
   */
  public List<Ordered> simulations(
      String memoryOption, double kvGigabytes, SimulatedPredictor predictor) {
    return simulations(memoryOption, kvGigabytes, predictor, cards.placement());
  }

  /**
   * Creates simulations as {@link #simulations(String, double, SimulatedPredictor)} does, of
   * engines that are placed in another way.
   *
   * @param placement how engines use the cards
   * @param predictor the source of the predictions
   * @throws UsageException if an option is out of range
   */
  public List<Ordered> simulations(Placement placement, SimulatedPredictor predictor) {
    return simulations(memoryOption(), kvGb(placement), predictor, placement);
  }

  private List<Ordered> simulations(
      String memoryOption, double kvGigabytes, SimulatedPredictor predictor, Placement placement) {
    requireLayers(placement);
    checkMemory(memoryOption, kvGigabytes);
    checkTokens();
    List<Ordered> simulations = new ArrayList<>();
    for (OrderChoice.Chosen order : orders()) {
      for (PrefixOptions.Chosen prefix : prefixes.chosen(canvasPasses != null)) {
        Simulation simulation =
            simulation(memoryOption, kvGigabytes, predictor, placement, order.policy(), prefix);
        simulations.add(new Ordered(order.name(), prefix.name(), simulation));
      }
    }
    return simulations;
  }

  /**
   * Creates a simulation in order of arrival, whose throughput with all requests at once is the
   * capacity.
   *
   * @param predictor the source of the predictions
   * @throws UsageException if an option is out of range
   */
  public Simulation inOrderOfArrival(SimulatedPredictor predictor) {
    SchedulingPolicy arrival = OrderChoice.parse(OrderChoice.BASELINE, maxOvertakes).policy();
    PrefixOptions.Chosen first = prefixes.chosen(canvasPasses != null).get(0);
    return simulation(memoryOption(), kvGb(), predictor, cards.placement(), arrival, first);
  }

  private Simulation simulation(
      String memoryOption,
      double kvGigabytes,
      SimulatedPredictor predictor,
      Placement placement,
      SchedulingPolicy order,
      PrefixOptions.Chosen prefix) {
    Simulation.Builder builder =
        Simulation.builder(
                shape(), ProfileFiles.gpu(gpu), Math.max(1, Math.round(kvGigabytes * BYTES_PER_GB)))
            .cards(placement.cards())
            .engines(placement.engines())
            .maxLength(maxLength)
            .blockTokens(blockTokens)
            .maxRunning(maxRunning)
            .schedulingPolicy(order)
            .predictor(predictor)
            .prefixSharing(prefix.sharing())
            .forgettingByFuture(prefix.byFuture())
            .targets(targets())
            .keepTpot(keepTpot());
    if (maxTokensPerStep != null) {
      builder.maxTokensPerStep(maxTokensPerStep);
    }
    if (canvasPasses != null) {
      requireTokens("--canvas-passes", canvasPasses);
      builder.canvasPasses(canvasPasses);
    }
    try {
      return (recomputeOnly ? builder.swapBytes(0) : builder).build();
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new UsageException(memoryOption + " " + kvGigabytes + ": " + e.getMessage());
    }
  }

  private void requireLayers(Placement placement) {
    if (placement.cards() > 1 && shape().layers() == 0) {
      throw new UsageException(
          "--cards: several for an engine need the fields layers and hiddenSize in " + model);
    }
  }

  private static void checkMemory(String option, double kvGigabytes) {
    if (!(kvGigabytes > 0 && kvGigabytes <= MAX_KV_GB)) {
      throw new UsageException(
          "%s %s: must be above 0 and at most %.0f".formatted(option, kvGigabytes, MAX_KV_GB));
    }
  }

  private void checkTokens() {
    requireTokens("--max-length", maxLength);
    requireTokens("--block-tokens", blockTokens);
    requireTokens("--max-running", maxRunning);
    if (maxTokensPerStep == null) {
      return;
    }
    requireTokens("--max-tokens-per-step", maxTokensPerStep);
    if (maxRunning > maxTokensPerStep) {
      throw new UsageException(
          "--max-running %d: must be at most --max-tokens-per-step, %d"
              .formatted(maxRunning, maxTokensPerStep));
    }
  }

  private List<OrderChoice.Chosen> orders() {
    if (maxOvertakes != null && maxOvertakes < 1) {
      throw new UsageException("--max-overtakes " + maxOvertakes + ": must be at least 1");
    }
    return orders.stream().map(order -> OrderChoice.parse(order, maxOvertakes)).toList();
  }

  private static void requireTokens(String option, int value) {
    if (value < 1 || value > MAX_TOKENS) {
      throw new UsageException(
          String.format(Locale.ROOT, "%s %d: must be from 1 to %d", option, value, MAX_TOKENS));
    }
  }
}
