package dev.s3llm.jcuda;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorLostException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.KvGrowth;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.internal.driver.DeviceException;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs decoders of the Llama family and GPT-J on NVIDIA GPUs through JCuda's driver API: weights
 * and KV in fp16 or bf16, sums in fp32, kernels of our own. An NVIDIA driver is all that it needs.
 *
 * <p>A sequence's tokens are bitwise the same alone, in any batch and after a swap. Steps run one
 * after another on a thread of the executor's own; a step that only decodes is one CUDA graph.
 * After an error that the device cannot recover from, every step fails with {@link
 * ExecutorLostException}.
 */
public final class JCudaExecutor implements Executor {
  private static final int BLOCK_TOKENS = 16;
  private static final Set<Integer> HEAD_SIZES = Set.of(16, 32, 64, 80, 96, 128, 256);

  private final ModelConfig config;
  private final ExecutorService steps;
  private volatile @Nullable Thread stepThread;
  private @Nullable CudaPipeline pipeline;
  private final ExecutorProfile profile;

  private JCudaExecutor(Builder builder) {
    this.config = builder.config;
    this.steps = Executors.newSingleThreadExecutor(builder.threadFactory);
    try {
      this.profile = onThread(() -> open(builder));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private ExecutorProfile open(Builder builder) {
    try (TensorSource source = builder.source.get()) {
      CudaPipeline opened =
          new CudaPipeline(config, builder.devices, builder.precision, source, builder.progress);
      pipeline = opened;
      ExecutorProfile sized = builder.profile(opened);
      BatchFormat format = builder.format();
      opened.allocate(format, sized.blockCount(), sized.hostBlockCount(), builder.checked);
      return Builder.withCosts(sized, CostProbe.measure(opened, sized));
    }
  }

  /** Starts from a Hugging Face model folder, whose weights are read when it is built. */
  public static Builder builder(Path folder) {
    return new Builder(ModelConfig.read(folder), () -> WeightFiles.open(folder));
  }

  /**
   * Starts from a configuration and a source of its weights.
   *
   * @param source opened, and closed again, when the executor is built
   */
  public static Builder builder(ModelConfig config, Supplier<? extends TensorSource> source) {
    return new Builder(config, source);
  }

  /** The model's configuration. */
  public ModelConfig config() {
    return config;
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  /** What the GPU did so far; from any thread. */
  public StepTimes times() {
    return opened().times();
  }

  @Override
  public CompletionStage<StepResult> execute(StepBatch batch) {
    return CompletableFuture.supplyAsync(() -> guarded(() -> run(batch)), steps);
  }

  @Override
  public Optional<Thread> stepThread() {
    return Optional.ofNullable(stepThread);
  }

  private StepResult run(StepBatch batch) {
    stepThread = Thread.currentThread();
    return opened().run(batch);
  }

  /** The logits after the last position of each sampling sequence; one part, one step. */
  float[] logits(StepBatch batch) {
    return onThread(() -> guarded(() -> opened().logits(batch)));
  }

  private CudaPipeline opened() {
    CudaPipeline current = pipeline;
    if (current == null) {
      throw new IllegalStateException("the executor is closed");
    }
    return current;
  }

  private static <T> T guarded(Supplier<T> work) {
    try {
      return work.get();
    } catch (DeviceException e) {
      throw e.sticky() ? new ExecutorLostException("the GPU is lost: " + e.getMessage(), e) : e;
    }
  }

  private <T> T onThread(Supplier<T> work) {
    try {
      return CompletableFuture.supplyAsync(work, steps).join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  @Override
  public void close() {
    if (!steps.isShutdown()) {
      steps.execute(this::release);
    }
    steps.shutdown();
    Uninterruptibles.awaitTerminationUninterruptibly(steps); // the device still uses the memory
  }

  private void release() {
    CudaPipeline current = pipeline;
    if (current != null) {
      current.close();
    }
  }

  /** Settings of a {@link JCudaExecutor}. Not thread-safe. */
  public static final class Builder {
    /** Of what weights and workspace leave free, for KV; the rest is for graphs and the driver. */
    private static final double KV_SHARE = 0.92;

    private final ModelConfig config;
    private final Supplier<? extends TensorSource> source;
    private List<Integer> devices = List.of(0);
    private Precision precision = Precision.FP16;
    private LoadProgress progress = (bytes, total) -> {};
    private long kvBytes;
    private long swapBytes = 1L << 30;
    private int maxTokensPerStep = 1024;
    private int maxSequencesPerStep = 256;
    private int maxContextTokens;
    private boolean checked;
    private ThreadFactory threadFactory =
        task -> {
          Thread thread = new Thread(task, "s3-cuda-executor");
          thread.setDaemon(true);
          return thread;
        };

    private Builder(ModelConfig config, Supplier<? extends TensorSource> source) {
      this.config = config;
      this.source = source;
      this.maxContextTokens = config.maxContextTokens();
      if (!HEAD_SIZES.contains(config.headSize())) {
        throw new IllegalArgumentException(
            "head_dim is %d, but the kernels are made for %s"
                .formatted(config.headSize(), HEAD_SIZES.stream().sorted().toList()));
      }
      for (int width : new int[] {config.hiddenSize(), config.intermediateSize()}) {
        if (width % 8 != 0) {
          throw new IllegalArgumentException(
              "hidden_size and intermediate_size must be multiples of 8, but one is " + width);
        }
      }
    }

    /**
     * Sets the devices, one for each stage: the layers are spread over them in order, as evenly as
     * can be. A device may occur more than once. Device 0 alone by default.
     */
    public Builder devices(int... numbers) {
      if (numbers.length < 1 || numbers.length > config.layers()) {
        throw new IllegalArgumentException(
            "devices must name from 1 to %d devices, one for each stage, but names %d"
                .formatted(config.layers(), numbers.length));
      }
      for (int number : numbers) {
        atLeast("devices", number, 0);
      }
      this.devices = IntStream.of(numbers).boxed().toList();
      return this;
    }

    /** Sets the number type of weights, activations and KV; fp16 by default. */
    public Builder precision(Precision type) {
      this.precision = type;
      return this;
    }

    /** Sets who is told how far the weights have come. */
    public Builder progress(LoadProgress listener) {
      this.progress = listener;
      return this;
    }

    /**
     * Sets the bytes of KV memory over all devices; by default what weights and workspace leave
     * free. At least one block must fit.
     */
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

    /** Sets the longest sequence, prompt included; what the model was made for by default. */
    public Builder maxContextTokens(int tokens) {
      int limited = (int) atLeast("maxContextTokens", tokens, 1);
      this.maxContextTokens = Math.min(limited, config.maxContextTokens());
      return this;
    }

    /**
     * Sets the debug mode: every KV slot that a step reads must have been written by its own
     * sequence ({@link dev.s3llm.jcuda.internal.kv.KvAudit}), and blocks that change hands are
     * poisoned.
     */
    public Builder checkKv(boolean check) {
      this.checked = check;
      return this;
    }

    /** Sets where the executor's thread comes from; a daemon thread by default. */
    public Builder threadFactory(ThreadFactory factory) {
      this.threadFactory = factory;
      return this;
    }

    /**
     * Opens the devices, brings the weights there and takes the memory.
     *
     * @throws IllegalStateException if there is no driver or no such device
     * @throws IllegalArgumentException if weights or KV memory do not fit, with the bytes
     * @throws dev.s3llm.model.ModelFormatException if the weights are bad
     * @throws DeviceException if the driver refuses
     */
    public JCudaExecutor build() {
      return new JCudaExecutor(this);
    }

    private BatchFormat format() {
      return new BatchFormat(
          maxTokensPerStep,
          Math.min(maxSequencesPerStep, maxTokensPerStep),
          maxContextTokens,
          BLOCK_TOKENS);
    }

    private ExecutorProfile profile(CudaPipeline pipeline) {
      long blockBytes = pipeline.blockBytes(BLOCK_TOKENS);
      int fitting = pipeline.blocksThatFit(format(), kvBytes == 0 ? KV_SHARE : 1);
      long blocks = kvBytes == 0 ? fitting : kvBytes / blockBytes;
      if (blocks < 1 || blocks > fitting) {
        throw new IllegalArgumentException(
            "%s of KV memory are asked for, a block of %d tokens takes %d bytes, and %s has room for %d bytes beside weights and workspace; change kvBytes, maxTokensPerStep or maxSequencesPerStep"
                .formatted(
                    kvBytes == 0 ? "all bytes" : kvBytes + " bytes",
                    BLOCK_TOKENS,
                    blockBytes,
                    pipeline.devices(),
                    fitting * blockBytes));
      }
      return new ExecutorProfile(
          BLOCK_TOKENS,
          (int) blocks,
          blockBytes,
          (int) Math.min(Integer.MAX_VALUE, swapBytes / blockBytes),
          maxContextTokens,
          maxTokensPerStep,
          format().maxSequences(),
          config.vocabularySize(),
          KvGrowth.PER_BLOCK,
          RecoveryCosts.UNKNOWN);
    }

    private static ExecutorProfile withCosts(ExecutorProfile p, RecoveryCosts costs) {
      return new ExecutorProfile(
          p.blockTokens(),
          p.blockCount(),
          p.bytesPerBlock(),
          p.hostBlockCount(),
          p.maxContextTokens(),
          p.maxTokensPerStep(),
          p.maxSequencesPerStep(),
          p.vocabularySize(),
          p.growth(),
          costs);
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
