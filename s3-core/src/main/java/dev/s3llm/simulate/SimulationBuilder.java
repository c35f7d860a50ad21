package dev.s3llm.simulate;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.schedule.FirstComeFirstServed;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.schedule.TenantWeights;

/** Collects the settings of a {@link Simulation}. Not thread-safe. */
public final class SimulationBuilder {
  private static final int MAX_BLOCKS = 1 << 24;

  private final CostModel costs;
  private final long kvBytes;
  private long swapBytes;
  private int maxLength = 2048;
  private int blockTokens = 16;
  private int maxTokensPerStep = 8192;
  private int maxRunning = 1024;
  private QueueOrder order = new FirstComeFirstServed();
  private TenantWeights tenantWeights = TenantWeights.EQUAL;
  private SimulatedPredictor predictor = SimulatedPredictor.EXACT;
  private LatencyTargets targets = LatencyTargets.NONE;
  private boolean keepTpot;

  SimulationBuilder(ModelShape model, GpuProfile gpu, long kvBytes) {
    this.costs = new CostModel(model, gpu);
    this.kvBytes = atLeastOne("kvBytes", kvBytes);
    this.swapBytes = kvBytes;
  }

  /** Host memory for swapping; as much as KV memory by default, 0 to recompute only. */
  public SimulationBuilder swapBytes(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("swapBytes must be at least 0, but is " + bytes);
    }
    swapBytes = bytes;
    return this;
  }

  /** The most tokens of a sequence, prompt included; 2048 by default. */
  public SimulationBuilder maxLength(int tokens) {
    maxLength = (int) atLeastOne("maxLength", tokens);
    return this;
  }

  /** Token slots of a KV block; 16 by default. */
  public SimulationBuilder blockTokens(int tokens) {
    blockTokens = (int) atLeastOne("blockTokens", tokens);
    return this;
  }

  /** Token budget of a step, prefill and decode together; 8192 by default. */
  public SimulationBuilder maxTokensPerStep(int tokens) {
    maxTokensPerStep = (int) atLeastOne("maxTokensPerStep", tokens);
    return this;
  }

  /** The largest batch; 1024 by default. */
  public SimulationBuilder maxRunning(int sequences) {
    maxRunning = (int) atLeastOne("maxRunning", sequences);
    return this;
  }

  /** The order of the waiting queue; first come, first served by default. */
  public SimulationBuilder order(QueueOrder queueOrder) {
    order = queueOrder;
    return this;
  }

  /** The shares of the trace's tenants; equal by default. */
  public SimulationBuilder tenantWeights(TenantWeights weights) {
    tenantWeights = weights;
    return this;
  }

  /** Where predictions come from; the true lengths by default. */
  public SimulationBuilder predictor(SimulatedPredictor source) {
    predictor = source;
    return this;
  }

  /** The limits that requests must meet to count for goodput; none by default. */
  public SimulationBuilder targets(LatencyTargets limits) {
    targets = limits;
    return this;
  }

  /**
   * Lets the engine keep the targets' time per output token, by smaller batches and prefill chunks;
   * else the targets only judge. False by default.
   */
  public SimulationBuilder keepTpot(boolean keep) {
    keepTpot = keep;
    return this;
  }

  /**
   * Makes the simulation.
   *
   * @throws IllegalArgumentException if memory holds no block or too many, or the batch limit
   *     exceeds the token budget
   */
  public Simulation build() {
    long blockBytes = Math.multiplyExact(blockTokens, costs.model().kvBytesPerToken());
    ExecutorProfile profile =
        new ExecutorProfile(
            blockTokens,
            blocks("kvBytes", kvBytes, blockBytes, 1),
            blockBytes,
            blocks("swapBytes", swapBytes, blockBytes, 0),
            maxLength,
            maxTokensPerStep,
            maxRunning,
            SimulatedExecutor.VOCABULARY_SIZE,
            KvGrowth.PER_BLOCK,
            costs.recoveryCosts(blockTokens));
    return new Simulation(profile, costs, order, tenantWeights, predictor, targets, keepTpot);
  }

  private static int blocks(String name, long bytes, long blockBytes, int atLeast) {
    long blocks = bytes / blockBytes;
    if (blocks < atLeast || blocks > MAX_BLOCKS) {
      throw new IllegalArgumentException(
          "%s must hold from %d to %d blocks of %d bytes, but is %d"
              .formatted(name, atLeast, MAX_BLOCKS, blockBytes, bytes));
    }
    return (int) blocks;
  }

  private static long atLeastOne(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, but is " + value);
    }
    return value;
  }
}
