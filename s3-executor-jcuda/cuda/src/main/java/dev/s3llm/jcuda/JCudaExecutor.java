package dev.s3llm.jcuda;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.internal.batch.BatchFormat;
import dev.s3llm.jcuda.internal.decode.CudaPipeline;
import dev.s3llm.jcuda.internal.decode.InputSupport;
import dev.s3llm.jcuda.internal.decode.KernelLimits;
import dev.s3llm.jcuda.internal.decode.Placement;
import dev.s3llm.jcuda.internal.decode.WeightPlan;
import dev.s3llm.jcuda.internal.decode.WholeSteps;
import dev.s3llm.jcuda.internal.driver.CardAddresses;
import dev.s3llm.jcuda.internal.driver.DeviceException;
import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.ExecutorSettings;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelShard;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFormat;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs decoders of all model families that {@code s3-model} reads on NVIDIA GPUs through JCuda's
 * driver API: activations and KV in fp16 or bf16, KV also in 8 bits ({@link KvPrecision}), sums in
 * fp32, weights in 16, 8 or 4 bits ({@link WeightFormat}), inputs of products in fp8 where files
 * say so ({@link ActivationFormat}), kernels of this library. It needs an NVIDIA driver and nothing
 * else.
 *
 * <p>Layers with a window keep the KV of all positions, as layers without one do: their kernels
 * read the window alone, which saves time and no memory.
 *
 * <p>The tokens of a sequence are bitwise the same alone, in any batch and after a swap. Steps run
 * one after another on a thread of the executor; a step that only decodes is one CUDA graph. After
 * an error that the device cannot recover from, every step fails with {@link
 * ExecutorLostException}.
 */
public final class JCudaExecutor implements Executor {
  private final ModelConfig config;
  private final ExecutorService steps;
  private volatile @Nullable Thread stepThread;
  private @Nullable CudaPipeline pipeline;
  private final ExecutorProfile profile;

  private JCudaExecutor(Builder builder) {
    this.config = builder.served();
    this.steps = Executors.newSingleThreadExecutor(builder.threadFactory());
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
          new CudaPipeline(
              config,
              builder.placement(),
              builder.precision().type(),
              builder.kvPrecision(),
              source,
              builder.plan(),
              builder.inputs(),
              builder.progress(),
              builder.featureLayer(),
              builder.wholeSteps(),
              builder.threadFactory());
      pipeline = opened;
      return builder.profile().open(opened, builder.checked());
    }
  }

  /**
   * Starts to build an executor from a model's files. Reads the configuration at once, and the
   * weights in {@link Builder#build}. Rotary embeddings that depend on the context's length are
   * those of {@link Builder#maxContextTokens}.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @throws ModelFormatException if the configuration is missing or damaged
   * @throws IllegalArgumentException if the kernels do not support the model's shape
   */
  public static Builder builder(Path model) {
    return new Builder(
        ModelConfig.read(model),
        context -> ModelConfig.read(model, context),
        () -> ModelFiles.open(model).tensors());
  }

  /**
   * Starts to build an executor from a configuration and a source of its weights.
   *
   * @param config shape of the model
   * @param source opens the tensors; {@link Builder#build} calls it and closes its result
   * @throws IllegalArgumentException if the kernels do not support the model's shape
   */
  public static Builder builder(ModelConfig config, Supplier<? extends TensorSource> source) {
    return new Builder(config, context -> config, source);
  }

  /** Returns the shape of the model. */
  public ModelConfig config() {
    return config;
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  /**
   * Returns the times of the GPU so far; from any thread.
   *
   * @throws IllegalStateException if the executor did not open
   */
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

  /** Returns the logits after the last position of each sampling sequence; one part, one step. */
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

  /** Waits for the step that runs, and releases the devices. Idempotent. */
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

  /**
   * Settings of a {@link JCudaExecutor}. By default: {@link #kvBytes}, over all devices, is what
   * weights and workspace leave free, {@link #swapBytes} is 1 GiB of pinned memory, {@link
   * #maxTokensPerStep} is 1,024, {@link #maxSequencesPerStep} is 256. Not thread-safe.
   */
  public static final class Builder extends ExecutorSettings<Builder> {
    private static final long DEFAULT_SWAP_BYTES = 1L << 30;

    private final ModelConfig config;
    private final IntFunction<ModelConfig> ofContext;
    private final Supplier<? extends TensorSource> source;

    private Builder(
        ModelConfig config,
        IntFunction<ModelConfig> ofContext,
        Supplier<? extends TensorSource> source) {
      this.config = config;
      this.ofContext = ofContext;
      this.source = source;
      KernelLimits.check(config);
    }

    @Override
    protected Builder self() {
      return this;
    }

    /**
     * Sets the devices, one for each stage: the layers are split over them in order, as evenly as
     * possible. A device may occur more than once. Device 0 alone by default. Stages give memory,
     * {@link #cards} also speed.
     *
     * @param numbers numbers of the devices, from 0; 1 to as many as the model has layers
     * @throws IllegalArgumentException if a value is out of range
     * @throws IllegalStateException if the devices or {@link #cards} were set before
     */
    public Builder devices(int... numbers) {
      requireUnset("cards", "devices");
      if (numbers.length < 1 || numbers.length > config.layerCount()) {
        throw new IllegalArgumentException(
            "devices must name from 1 to %d devices, one for each stage, but names %d"
                .formatted(config.layerCount(), numbers.length));
      }
      for (int number : numbers) {
        atLeast("devices", number, 0);
      }
      return set("devices", IntStream.of(numbers).boxed().toList());
    }

    /**
     * Sets the cards that run every layer together (tensor parallelism): each has its part of the
     * heads, of the feed-forward width, of the vocabulary and of the KV memory, and the cards read
     * each other's memory. {@link #kvBytes} and {@link #swapBytes} are those of all cards. Tokens
     * of a sequence are bitwise the same alone, in any batch and after a swap; over another number
     * of cards they are the same within rounding.
     *
     * @param numbers numbers of the devices, from 0, each once; their count divides the heads and
     *     the feed-forward widths, and at most {@value CardAddresses#MOST}
     * @throws IllegalArgumentException if a value is out of range, a device occurs twice, or the
     *     count does not divide the model; the message names the field of {@code config.json}
     * @throws IllegalStateException if the cards or {@link #devices} were set before
     */
    public Builder cards(int... numbers) {
      requireUnset("devices", "cards");
      if (numbers.length < 1 || numbers.length > CardAddresses.MOST) {
        throw new IllegalArgumentException(
            "cards must name from 1 to %d devices, but names %d"
                .formatted(CardAddresses.MOST, numbers.length));
      }
      for (int number : numbers) {
        atLeast("cards", number, 0);
      }
      if (IntStream.of(numbers).distinct().count() < numbers.length) {
        throw new IllegalArgumentException(
            "cards must name each device once, but is " + Arrays.toString(numbers));
      }
      KernelLimits.check(ModelShard.of(config, numbers.length).get(0).config());
      return set("cards", IntStream.of(numbers).boxed().toList());
    }

    private void requireUnset(String other, String name) {
      List<Integer> none = List.of();
      List<Integer> earlier = get(other, () -> none);
      if (!earlier.isEmpty()) {
        throw new IllegalStateException(
            "%s cannot be set beside %s, which is %s".formatted(name, other, earlier));
      }
    }

    /**
     * Sets the number type of activations and widened weights, and of KV unless {@link
     * #kvPrecision} changes that; {@link Precision#FP16} by default.
     *
     * @param type the number type
     * @throws IllegalStateException if it was set before
     */
    public Builder precision(Precision type) {
      return set("precision", type);
    }

    /**
     * Sets how keys and values are stored; {@link KvPrecision#FULL}, 16 bits, by default. {@link
     * KvPrecision#INT8} holds nearly twice the tokens in the same {@link #kvBytes}, and changes
     * results slightly; they still do not depend on the batch.
     *
     * @param precision how keys and values are stored
     * @throws IllegalStateException if it was set before
     */
    public Builder kvPrecision(KvPrecision precision) {
      return set("kvPrecision", precision);
    }

    /**
     * Sets how matrices lie in memory; {@link WeightFormat#STORED} by default.
     *
     * @param format the format
     * @throws IllegalStateException if it was set before
     */
    public Builder weights(WeightFormat format) {
      return set("weights", format);
    }

    /**
     * Sets the format in which matrix products read their input; {@link ActivationFormat#STORED} by
     * default: rounded where the files say so and the GPUs have products for it (compute capability
     * 9.0).
     *
     * @param format the format
     * @throws IllegalStateException if it was set before
     */
    public Builder activations(ActivationFormat format) {
      return set("activations", format);
    }

    /**
     * Sets the listener to the progress of reading weights; none by default.
     *
     * @param listener receives the progress
     * @throws IllegalStateException if it was set before
     */
    public Builder progress(LoadProgress listener) {
      return set("progress", listener);
    }

    /**
     * Sets the longest sequence, prompt included; by default, and at most, the positions that the
     * model was made for.
     *
     * @param tokens at least 1
     * @throws IllegalArgumentException if the value is out of range
     * @throws IllegalStateException if it was set before
     */
    public Builder maxContextTokens(int tokens) {
      return set("maxContextTokens", (int) atLeast("maxContextTokens", tokens, 1));
    }

    /**
     * Sets the debug mode: a step fails if it reads a KV slot that its own sequence has not
     * written, and blocks whose owner changes are filled with NaN. Off by default.
     *
     * @param check whether steps are checked
     * @throws IllegalStateException if it was set before
     */
    public Builder checkKv(boolean check) {
      return set("checkKv", check);
    }

    /**
     * Sets the layer whose hidden states a step returns as features ({@link
     * dev.s3llm.execute.SequenceStep#wantsFeatures}), for predictors that read them; none by
     * default. Tokens do not depend on it.
     *
     * @param layer number of layers, from 1 to those of the model: the features are the residual
     *     stream after so many layers, {@code hiddenSize} values of float
     * @throws IllegalArgumentException if the model has no such layer
     * @throws IllegalStateException if it was set before
     */
    public Builder featureLayer(int layer) {
      if (layer < 1 || layer > config.layerCount()) {
        throw new IllegalArgumentException(
            "featureLayer must be from 1 to %d, the layers of the model, but is %d"
                .formatted(config.layerCount(), layer));
      }
      return set("featureLayer", layer);
    }

    /**
     * Sets whether a decode step of a few sequences runs all layers of a device in one persistent
     * kernel, where the GPU (compute capability 9.0) and the model allow it and it was measured to
     * be faster. Tokens do not depend on it. Its blocks must all run at once: where other processes
     * share the GPU (MPS, MIG) such a step may end after two seconds as a failed one. So it is on
     * by default only where none may.
     *
     * @param persistent whether to use such a kernel
     * @throws IllegalStateException if it was set before
     */
    public Builder persistentDecode(boolean persistent) {
      return set("persistentDecode", persistent ? WholeSteps.ON : WholeSteps.OFF);
    }

    private WholeSteps wholeSteps() {
      return get("persistentDecode", () -> WholeSteps.UNSHARED);
    }

    private int featureLayer() {
      return get("featureLayer", () -> 0);
    }

    private int featureWidth() {
      return featureLayer() == 0 ? 0 : config.hiddenSize();
    }

    /**
     * Opens the devices, copies the weights there and allocates the memory.
     *
     * @throws IllegalStateException if no driver is installed, or a device does not exist
     * @throws IllegalArgumentException if weights or KV memory do not fit; the message has the
     *     bytes; or if activations are to be rounded for weights that are not in fp8, or on GPUs
     *     that have no products for it
     * @throws ModelFormatException if the weights are missing or damaged
     * @throws RuntimeException if a call of the driver fails; the message names the call
     */
    public JCudaExecutor build() {
      return new JCudaExecutor(this);
    }

    private ThreadFactory threadFactory() {
      return threadFactoryOr("s3-cuda-executor");
    }

    private Placement placement() {
      List<Integer> cards = get("cards", List::of);
      return cards.size() > 1
          ? new Placement(cards, true)
          : new Placement(get("devices", () -> cards.isEmpty() ? List.of(0) : cards), false);
    }

    private Precision precision() {
      return get("precision", () -> Precision.FP16);
    }

    private KvPrecision kvPrecision() {
      return get("kvPrecision", () -> KvPrecision.FULL);
    }

    private WeightFormat weights() {
      return get("weights", () -> WeightFormat.STORED);
    }

    private UnaryOperator<ModelTensors> inputs() {
      ActivationFormat format = get("activations", () -> ActivationFormat.STORED);
      WeightFormat weights = weights();
      format.requireFor(weights);
      InputSupport support = new InputSupport(placement().devices());
      return tensors -> support.rounded(tensors, format, weights);
    }

    private WeightPlan plan() {
      WeightFormat format = weights();
      return new WeightPlan(format == WeightFormat.STORED, format.rounded().orElse(null));
    }

    private LoadProgress progress() {
      return get("progress", () -> (bytes, total) -> {});
    }

    private boolean checked() {
      return get("checkKv", () -> false);
    }

    /** Returns the configuration for the context that is served. */
    private ModelConfig served() {
      int tokens = contextTokens();
      return tokens == config.maxContextTokens() ? config : ofContext.apply(tokens);
    }

    private int contextTokens() {
      int limit = config.maxContextTokens();
      return Math.min(limit, this.<Integer>get("maxContextTokens", () -> limit));
    }

    private BatchFormat format() {
      int maxTokens = maxTokensPerStepOr(1024);
      return new BatchFormat(
          maxTokens,
          maxSequencesPerStepOr(256, maxTokens),
          contextTokens(),
          CudaProfile.BLOCK_TOKENS,
          config.vocabularySize());
    }

    private CudaProfile profile() {
      return new CudaProfile(
          config,
          format(),
          get("kvBytes", () -> 0L),
          get("swapBytes", () -> DEFAULT_SWAP_BYTES),
          featureWidth());
    }
  }
}
