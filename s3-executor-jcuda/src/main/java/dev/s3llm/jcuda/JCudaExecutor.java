package dev.s3llm.jcuda;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorLostException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.kernel.Device;
import dev.s3llm.jcuda.kernel.DeviceException;
import dev.s3llm.jcuda.kernel.KernelModule;
import dev.s3llm.jcuda.kernel.PinnedMemory;
import dev.s3llm.jcuda.kv.DeviceKvPool;
import dev.s3llm.jcuda.model.LlamaWeights;
import dev.s3llm.jcuda.model.ModelConfig;
import dev.s3llm.jcuda.model.WeightFiles;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * Runs Llama-family models on an NVIDIA GPU through JCuda's driver API: fp16 weights and KV, fp32
 * sums, kernels of our own. An NVIDIA driver is all that it needs.
 *
 * <p>A sequence's tokens are bitwise the same alone, in any batch and after a swap. Steps run one
 * after another on a thread of the executor's own. After an error that the device cannot recover
 * from, every step fails with {@link ExecutorLostException}.
 */
public final class JCudaExecutor implements Executor {
  private static final int BLOCK_TOKENS = 16;
  private static final Set<Integer> HEAD_SIZES = Set.of(16, 32, 64, 80, 96, 128, 256);

  private final ModelConfig config;
  private final ExecutorProfile profile;
  private final ExecutorService steps;
  private final Deque<AutoCloseable> resources = new ArrayDeque<>();
  private Device device;
  private DeviceKvPool pool;
  private CudaBatch input;
  private CudaDecoder decoder;
  private PinnedMemory output;

  @SuppressWarnings("NullAway.Init") // set on the executor's thread, which the constructor awaits
  private JCudaExecutor(Builder builder) {
    this.config = builder.config;
    this.profile = builder.profile();
    this.steps = Executors.newSingleThreadExecutor(builder.threadFactory);
    try {
      CompletableFuture.runAsync(() -> open(builder), steps).join();
    } catch (CompletionException e) {
      close();
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  private void open(Builder builder) {
    int maxTokens = profile.maxTokensPerStep();
    int maxSequences = profile.maxSequencesPerStep();
    int maxContext = profile.maxContextTokens();
    device = keep(Device.open(builder.ordinal));
    KernelModule kernels = keep(new KernelModule(device));
    CudaWeights weights = keep(new CudaWeights(device, kernels, config, builder.weights));
    requireRoom(profile.capacityBytes());
    pool =
        keep(
            new DeviceKvPool(
                device, profile.bytesPerBlock(), profile.blockCount(), profile.hostBlockCount()));
    input = keep(new CudaBatch(device, maxTokens, maxSequences, maxContext, BLOCK_TOKENS));
    decoder =
        keep(
            new CudaDecoder(
                device,
                kernels,
                config,
                weights,
                pool.blocks(),
                maxTokens,
                maxSequences,
                maxContext));
    output = keep(device.allocatePinned(8L * maxSequences));
    device.synchronize();
  }

  private void requireRoom(long kvBytes) {
    long free = device.freeBytes();
    if (kvBytes > free) {
      throw new IllegalArgumentException(
          "kvBytes is %d, but %s has %d bytes free beside the weights; lower kvBytes"
              .formatted(kvBytes, device.name(), free));
    }
  }

  private <T extends AutoCloseable> T keep(T resource) {
    resources.push(resource);
    return resource;
  }

  /**
   * Starts from a Hugging Face model folder: reads its configuration and weights at once.
   *
   * @throws dev.s3llm.jcuda.model.ModelFormatException if a file is missing or bad
   */
  public static Builder builder(Path folder) {
    ModelConfig config = ModelConfig.read(folder);
    try (WeightFiles files = WeightFiles.open(folder)) {
      return new Builder(config, LlamaWeights.read(config, files));
    }
  }

  /** Starts from a configuration and weights in memory. */
  public static Builder builder(ModelConfig config, LlamaWeights weights) {
    return new Builder(config, weights);
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

  private StepResult run(StepBatch batch) {
    try {
      pool.copy(batch);
      if (!batch.sequences().isEmpty()) {
        input.load(batch);
        decoder.launch(input);
        if (input.layout().sampledRows.length > 0) {
          int bytes = 8 * profile.maxSequencesPerStep();
          device.copyOut(decoder.drawn(), 0, output.at(0), bytes);
        }
      }
      device.synchronize();
      return result(batch);
    } catch (DeviceException e) {
      throw e.sticky() ? new ExecutorLostException("the GPU is lost: " + e.getMessage(), e) : e;
    }
  }

  private StepResult result(StepBatch batch) {
    int[] tokens = new int[batch.sequences().size()];
    Arrays.fill(tokens, StepResult.NO_TOKEN);
    Map<Integer, Throwable> failures = new HashMap<>();
    if (!batch.sequences().isEmpty()) {
      int capacity = profile.maxSequencesPerStep();
      ByteBuffer drawn = output.view(0, 8L * capacity);
      int[] sampled = input.layout().sampledSequences;
      for (int row = 0; row < sampled.length; row++) {
        tokens[sampled[row]] = drawn.getInt(4 * row);
        int bad = drawn.getInt(4 * (capacity + row));
        if (bad >= 0) {
          tokens[sampled[row]] = StepResult.NO_TOKEN;
          failures.put(
              sampled[row],
              new ArithmeticException("the logit of token " + bad + " is not finite"));
        }
      }
    }
    return new StepResult(tokens, failures);
  }

  @Override
  public void close() {
    if (!steps.isShutdown()) {
      steps.execute(this::release);
    }
    steps.shutdown();
    boolean interrupted = false;
    while (true) {
      try {
        if (steps.awaitTermination(1, TimeUnit.SECONDS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true; // the device still uses the memory
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Last in, first out; a lost device refuses, and then its context goes with the process. */
  private void release() {
    while (!resources.isEmpty()) {
      try {
        resources.pop().close();
      } catch (Exception e) {
        org.slf4j.LoggerFactory.getLogger(JCudaExecutor.class).debug("could not be released", e);
      }
    }
  }

  /** Settings of a {@link JCudaExecutor}. Not thread-safe. */
  public static final class Builder {
    private final ModelConfig config;
    private final LlamaWeights weights;
    private int ordinal;
    private long kvBytes = 1L << 30;
    private long swapBytes = 1L << 30;
    private int maxTokensPerStep = 1024;
    private int maxSequencesPerStep = 256;
    private ThreadFactory threadFactory =
        task -> {
          Thread thread = new Thread(task, "s3-cuda-executor");
          thread.setDaemon(true);
          return thread;
        };

    private Builder(ModelConfig config, LlamaWeights weights) {
      this.config = config;
      this.weights = weights;
      if (!HEAD_SIZES.contains(config.headSize())) {
        throw new IllegalArgumentException(
            "head_dim is %d, but the kernels are made for %s"
                .formatted(config.headSize(), HEAD_SIZES));
      }
    }

    /** Sets the device; 0, the first, by default. */
    public Builder device(int number) {
      this.ordinal = (int) atLeast("device", number, 0);
      return this;
    }

    /** Sets the bytes of KV memory on the device; 1 GiB by default. At least one block must fit. */
    public Builder kvBytes(long bytes) {
      this.kvBytes = atLeast("kvBytes", bytes, 1);
      return this;
    }

    /** Sets the bytes of pinned swap space; 1 GiB by default, 0 for none. */
    public Builder swapBytes(long bytes) {
      this.swapBytes = atLeast("swapBytes", bytes, 0);
      return this;
    }

    /** Sets the token budget of a step; 1,024 by default. */
    public Builder maxTokensPerStep(int tokens) {
      this.maxTokensPerStep = (int) atLeast("maxTokensPerStep", tokens, 1);
      return this;
    }

    /** Sets how many sequences a step takes; 256 by default. */
    public Builder maxSequencesPerStep(int sequences) {
      this.maxSequencesPerStep = (int) atLeast("maxSequencesPerStep", sequences, 1);
      return this;
    }

    /** Sets where the executor's thread comes from; a daemon thread by default. */
    public Builder threadFactory(ThreadFactory factory) {
      this.threadFactory = factory;
      return this;
    }

    /**
     * Opens the device and brings the weights there.
     *
     * @throws IllegalStateException if there is no driver or no such device
     * @throws IllegalArgumentException if a block, or KV memory, does not fit
     * @throws DeviceException if the driver refuses
     */
    public JCudaExecutor build() {
      return new JCudaExecutor(this);
    }

    private ExecutorProfile profile() {
      long tokenBytes = Math.multiplyExact(4L * config.layers(), config.kvSize());
      long blockBytes = Math.multiplyExact(tokenBytes, BLOCK_TOKENS);
      if (kvBytes < blockBytes) {
        throw new IllegalArgumentException(
            "kvBytes is %d, but one block of %d tokens takes %d bytes"
                .formatted(kvBytes, BLOCK_TOKENS, blockBytes));
      }
      return new ExecutorProfile(
          BLOCK_TOKENS,
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

    /** Pinned copies run at some 50 GB/s each way, products at some 500 TFLOP/s. */
    private RecoveryCosts costs(long blockBytes) {
      double parameters =
          (double) config.layers()
              * config.hiddenSize()
              * (2.0 * config.querySize()
                  + 2.0 * config.kvSize()
                  + 3.0 * config.intermediateSize());
      return new RecoveryCosts(2 * blockBytes / 50.0, 2 * parameters / 500e3);
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
