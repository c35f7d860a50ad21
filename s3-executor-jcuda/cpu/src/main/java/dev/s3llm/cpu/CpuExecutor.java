package dev.s3llm.cpu;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelWeights;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFiles;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * Runs Llama-family and GPT-J models on the CPU in plain Java: the reference for GPU kernels, what
 * continuous integration runs, and what a machine without a GPU uses. Arithmetic is fp32.
 *
 * <p>Steps run one after another on a thread of the executor's own, helped by others.
 */
public final class CpuExecutor implements Executor {
  private static final int DEFAULT_BLOCK_TOKENS = 16;

  private final ModelConfig config;
  private final ExecutorProfile profile;
  private final CpuKvCache cache;
  private final CpuDecoder decoder;
  private final WorkerPool workers;
  private final ExecutorService steps;
  private volatile @Nullable Thread stepThread;

  private CpuExecutor(Builder builder) {
    this.config = builder.config;
    this.profile = builder.profile();
    this.cache =
        new CpuKvCache(
            config.layers(),
            config.kvHeads(),
            config.headSize(),
            profile.blockTokens(),
            profile.blockCount(),
            profile.hostBlockCount());
    this.workers = new WorkerPool(builder.threads, builder.threadFactory);
    this.steps = Executors.newSingleThreadExecutor(builder.threadFactory);
    this.decoder = new CpuDecoder(config, builder.weights, new CpuKernels(cache, workers));
  }

  /**
   * Starts from a Hugging Face model folder: reads its configuration and weights at once.
   *
   * @throws dev.s3llm.model.ModelFormatException if a file is missing or bad
   */
  public static Builder builder(Path folder) {
    ModelConfig config = ModelConfig.read(folder);
    try (WeightFiles files = WeightFiles.open(folder)) {
      return builder(config, files);
    }
  }

  /** Starts from a configuration and a source of its weights, which is read at once. */
  public static Builder builder(ModelConfig config, TensorSource source) {
    return new Builder(config, ModelWeights.read(config, source));
  }

  /** The model's configuration. */
  public ModelConfig config() {
    return config;
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    return CompletableFuture.supplyAsync(() -> run(batch), steps);
  }

  @Override
  public Optional<Thread> stepThread() {
    return Optional.ofNullable(stepThread);
  }

  private StepResult run(StepBatch batch) {
    stepThread = Thread.currentThread();
    cache.copy(batch);
    int[] tokens = new int[batch.sequences().size()];
    Arrays.fill(tokens, StepResult.NO_TOKEN);
    Map<Integer, Throwable> failures = new HashMap<>();
    if (!batch.sequences().isEmpty()) {
      BatchLayout layout = new BatchLayout(batch);
      float[] logits = decoder.forward(layout);
      for (int s = 0; s < layout.sampledSequences.length; s++) {
        int index = layout.sampledSequences[s];
        sample(batch.sequences().get(index), logits, s, index, tokens, failures);
      }
    }
    return new StepResult(tokens, failures);
  }

  private void sample(
      SequenceStep sequence,
      float[] logits,
      int row,
      int index,
      int[] tokens,
      Map<Integer, Throwable> failures) {
    int vocabulary = config.vocabularySize();
    try {
      tokens[index] = Sampler.sample(sequence, logits, row * vocabulary, vocabulary);
    } catch (RuntimeException e) {
      failures.put(index, e);
    }
  }

  /**
   * The logits after the last position of each sampling sequence; for comparisons with a reference.
   */
  float[] logits(StepBatch batch) {
    return decoder.forward(new BatchLayout(batch));
  }

  @Override
  public void close() {
    steps.shutdown();
    Uninterruptibles.awaitTerminationUninterruptibly(steps); // the step still uses the workers
    workers.close();
  }

  /** Settings of a {@link CpuExecutor}. Not thread-safe. */
  public static final class Builder {
    /** What any machine manages: the costs of recovery need be right to a factor only. */
    private static final double COPIED_BYTES_PER_NANO = 2;

    private static final double PRODUCTS_PER_CORE_AND_NANO = 4;

    private final ModelConfig config;
    private final ModelWeights weights;
    private long kvBytes = 256L << 20;
    private long swapBytes = 256L << 20;
    private int blockTokens = DEFAULT_BLOCK_TOKENS;
    private int maxTokensPerStep = 256;
    private int maxSequencesPerStep = 64;
    private int threads = Runtime.getRuntime().availableProcessors();
    private ThreadFactory threadFactory =
        task -> {
          Thread thread = new Thread(task, "s3-host-executor");
          thread.setDaemon(true);
          return thread;
        };

    private Builder(ModelConfig config, ModelWeights weights) {
      this.config = config;
      this.weights = weights;
    }

    /** Sets the bytes of KV memory; 256 MiB by default. At least one block must fit. */
    public Builder kvBytes(long bytes) {
      this.kvBytes = atLeast("kvBytes", bytes, 1);
      return this;
    }

    /** Sets the bytes of swap space; 256 MiB by default, 0 for none. */
    public Builder swapBytes(long bytes) {
      this.swapBytes = atLeast("swapBytes", bytes, 0);
      return this;
    }

    /** Sets the token slots of a block; 16 by default. */
    public Builder blockTokens(int tokens) {
      this.blockTokens = (int) atLeast("blockTokens", tokens, 1);
      return this;
    }

    /** Sets the token budget of a step; 256 by default. */
    public Builder maxTokensPerStep(int tokens) {
      this.maxTokensPerStep = (int) atLeast("maxTokensPerStep", tokens, 1);
      return this;
    }

    /** Sets how many sequences a step takes; 64 by default. */
    public Builder maxSequencesPerStep(int sequences) {
      this.maxSequencesPerStep = (int) atLeast("maxSequencesPerStep", sequences, 1);
      return this;
    }

    /** Sets the number of threads; one for each processor by default. */
    public Builder threads(int count) {
      this.threads = (int) atLeast("threads", count, 1);
      return this;
    }

    /** Sets where threads come from; daemon threads by default. */
    public Builder threadFactory(ThreadFactory factory) {
      this.threadFactory = factory;
      return this;
    }

    /**
     * The executor.
     *
     * @throws IllegalArgumentException if the settings contradict each other, or a block does not
     *     fit
     */
    public CpuExecutor build() {
      return new CpuExecutor(this);
    }

    private ExecutorProfile profile() {
      long blockBytes =
          CpuKvCache.bytesPerBlock(
              config.layers(), config.kvHeads(), config.headSize(), blockTokens);
      if (kvBytes < blockBytes) {
        throw new IllegalArgumentException(
            "kvBytes is %d, but one block of %d tokens takes %d bytes"
                .formatted(kvBytes, blockTokens, blockBytes));
      }
      return new ExecutorProfile(
          blockTokens,
          (int) Math.min(Integer.MAX_VALUE, kvBytes / blockBytes),
          blockBytes,
          (int) Math.min(Integer.MAX_VALUE, swapBytes / blockBytes),
          config.maxContextTokens(),
          maxTokensPerStep,
          Math.min(maxSequencesPerStep, maxTokensPerStep),
          config.vocabularySize(),
          KvGrowth.PER_BLOCK,
          costs(blockBytes));
    }

    private RecoveryCosts costs(long blockBytes) {
      double parameters =
          (double) config.layers()
              * config.hiddenSize()
              * (2.0 * config.querySize()
                  + 2.0 * config.kvSize()
                  + 3.0 * config.intermediateSize());
      return new RecoveryCosts(
          2 * blockBytes / COPIED_BYTES_PER_NANO,
          parameters / (PRODUCTS_PER_CORE_AND_NANO * threads));
    }

    private static long atLeast(String name, long value, long minimum) {
      if (value < minimum) {
        throw new IllegalArgumentException(
            name + " must be at least " + minimum + ", but is " + value);
      }
      return value;
    }
  }
}
