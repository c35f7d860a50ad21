package dev.s3llm.cpu;

import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelShard;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFormat;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Runs Llama-family and GPT-J models on the CPU in plain Java: the reference for GPU kernels, the
 * executor of continuous integration, and the one for machines without a GPU. Arithmetic is fp32.
 *
 * <p>Steps run one after another on a thread of the executor; more threads help it.
 */
public final class CpuExecutor implements Executor {
  private final ModelConfig config;
  private final ExecutorProfile profile;
  private final List<CpuShard> shards;
  private final KvPrecision kvPrecision;
  private final List<CpuKvCache> caches;
  private final CpuDecoder decoder;
  private final WorkerPool workers;
  private final ExecutorService steps;
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private volatile @Nullable Thread stepThread;

  /** Creates an executor whose shards have given keys and values. */
  CpuExecutor(
      Builder builder, List<CpuShard> shards, ExecutorProfile profile, List<CpuKvCache> caches) {
    ThreadFactory threads = builder.threadFactory();
    this.config = builder.config;
    this.profile = profile;
    this.shards = shards;
    this.kvPrecision = builder.kvPrecision();
    this.caches = caches;
    this.workers = new WorkerPool(builder.threads(), threads);
    this.steps = Executors.newSingleThreadExecutor(threads);
    this.decoder = new CpuDecoder(shards, caches, workers, builder.featureLayer());
  }

  /**
   * Starts to build an executor from a model's files. Reads the configuration at once, the weights
   * when it is built.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @throws ModelFormatException if a file is missing or damaged
   */
  public static Builder builder(Path model) {
    return new Builder(
        ModelConfig.read(model),
        (shards, formats) -> {
          try (ModelFiles files = ModelFiles.open(model)) {
            return CpuShard.read(shards, files.tensors(), formats);
          }
        });
  }

  /**
   * Starts to build an executor from a configuration and a source of its weights.
   *
   * @param config shape of the model
   * @param source tensors of the model; read by {@link Builder#build}, stays open
   */
  public static Builder builder(ModelConfig config, TensorSource source) {
    return new Builder(config, (shards, formats) -> CpuShard.read(shards, source, formats));
  }

  /** Returns the shape of the model. */
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
    caches.forEach(cache -> cache.copy(batch));
    int[] tokens = new int[batch.sequences().size()];
    Arrays.fill(tokens, StepResult.NO_TOKEN);
    Map<Integer, Throwable> failures = new HashMap<>();
    float[] features = {};
    LogProbabilityRows logs = new LogProbabilityRows(batch.sequences());
    if (!batch.sequences().isEmpty()) {
      BatchLayout layout = new BatchLayout(batch);
      features = new float[layout.featureRows.length * profile.featureWidth()];
      float[] logits = decoder.forward(layout, features);
      for (int s = 0; s < layout.sampledSequences.length; s++) {
        int index = layout.sampledSequences[s];
        sample(batch.sequences().get(index), logits, s, index, tokens, failures, logs);
      }
    }
    StepResult result = logs.addTo(StepResult.of(tokens, failures));
    return features.length == 0 ? result : result.withFeatures(features);
  }

  private void sample(
      SequenceStep sequence,
      float[] logits,
      int row,
      int index,
      int[] tokens,
      Map<Integer, Throwable> failures,
      LogProbabilityRows logs) {
    int vocabulary = config.vocabularySize();
    int from = row * vocabulary;
    int place = logs.reserve(sequence);
    int most = sequence.logProbabilities();
    float[] raw = most < 0 ? new float[0] : Arrays.copyOfRange(logits, from, from + vocabulary);
    try {
      int token = Sampler.sample(sequence, logits, from, vocabulary);
      if (most >= 0) {
        logs.set(place, most, raw, token);
      }
      tokens[index] = token;
    } catch (RuntimeException e) {
      failures.put(index, e);
    }
  }

  /**
   * Returns the logits after the last position of each sampling sequence, for comparisons with a
   * reference.
   */
  float[] logits(StepBatch batch) {
    return decoder.forward(new BatchLayout(batch));
  }

  /**
   * Returns how probable the model finds a text: for each token but the first the natural logarithm
   * of its probability, given all tokens before it. Their negative sum is the text's negative
   * log-likelihood. Runs between the steps of an engine, on their thread, and with keys and values
   * of its own in the heap, of the same {@link KvPrecision}; blocks the calling thread until it is
   * done.
   *
   * @param tokens token ids in {@code [0, vocabularySize)}, from 1 to {@code maxContextTokens} of
   *     them
   * @return one value of at most 0 for each token but the first
   * @throws IllegalArgumentException if there is no token, there are too many, or one is out of
   *     range
   * @throws IllegalStateException if the executor is closed
   */
  public double[] scores(int... tokens) {
    requireText(tokens);
    int[] copy = tokens.clone();
    try {
      return CompletableFuture.supplyAsync(
              () -> new TokenScores(shards, kvPrecision, workers, copy).compute(), steps)
          .join();
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("the executor is closed", e);
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException known ? known : e;
    }
  }

  private void requireText(int... tokens) {
    if (tokens.length < 1 || tokens.length > config.maxContextTokens()) {
      throw new IllegalArgumentException(
          "the text has %d tokens, but must have from 1 to %d"
              .formatted(tokens.length, config.maxContextTokens()));
    }
    for (int token : tokens) {
      if (token < 0 || token >= config.vocabularySize()) {
        throw new IllegalArgumentException(
            "token %d is not in [0, %d)".formatted(token, config.vocabularySize()));
      }
    }
  }

  /** Waits for the step that runs, and ends the threads. Idempotent. */
  @Override
  public void close() {
    if (closing.compareAndSet(false, true)) {
      steps.execute(this::release);
      steps.shutdown();
    }
    closed.join();
  }

  private void release() {
    workers.close(); // no step uses them any more
    closed.complete(null);
  }

  /**
   * Settings of a {@link CpuExecutor}. By default: {@link #kvBytes} is 256 MiB, {@link #swapBytes}
   * is 256 MiB, {@link #maxTokensPerStep} is 256, {@link #maxSequencesPerStep} is 64. Not
   * thread-safe.
   */
  public static final class Builder extends CpuSettings<Builder> {
    private final ModelConfig config;
    private final BiFunction<List<ModelShard>, CpuShard.Formats, List<CpuShard>> reader;

    private Builder(
        ModelConfig config, BiFunction<List<ModelShard>, CpuShard.Formats, List<CpuShard>> reader) {
      this.config = config;
      this.reader = reader;
    }

    @Override
    protected Builder self() {
      return this;
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

    private int featureLayer() {
      return get("featureLayer", () -> 0);
    }

    /**
     * Sets how keys and values are stored; {@link KvPrecision#FULL}, fp32, by default. {@link
     * KvPrecision#INT8} holds nearly four times the tokens in the same {@link #kvBytes}, and
     * changes results slightly.
     *
     * @param precision how keys and values are stored
     * @throws IllegalStateException if it was set before
     */
    public Builder kvPrecision(KvPrecision precision) {
      return set("kvPrecision", precision);
    }

    private KvPrecision kvPrecision() {
      return get("kvPrecision", () -> KvPrecision.FULL);
    }

    /**
     * Sets the number of shards that the model is cut into, as a group of GPUs would share it; 1 by
     * default. Each has its heads, its part of the feed-forward parts and of the vocabulary, and
     * its part of every KV block ({@link ModelShard}). They run one after another, each on all
     * threads, so that it saves no time: it is how the cut is tested without GPUs. Tokens are those
     * of one shard up to the rounding of sums.
     *
     * @param count number of shards, at least 1
     * @throws IllegalArgumentException if the model cannot be cut into so many; names what does not
     *     divide
     * @throws IllegalStateException if it was set before
     */
    public Builder shards(int count) {
      atLeast("shards", count, 1);
      try {
        ModelShard.of(config, count);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "shards is %d, but %s".formatted(count, e.getMessage()), e);
      }
      return set("shards", count);
    }

    /**
     * Sets how matrices are kept in memory; {@link WeightFormat#STORED} by default.
     *
     * @param format the format
     * @throws IllegalStateException if it was set before
     */
    public Builder weights(WeightFormat format) {
      return set("weights", format);
    }

    /**
     * Sets the format in which matrix products read their input; {@link ActivationFormat#STORED} by
     * default: rounded where the files say so.
     *
     * @param format the format
     * @throws IllegalStateException if it was set before
     */
    public Builder activations(ActivationFormat format) {
      return set("activations", format);
    }

    private CpuShard.Formats formats() {
      WeightFormat weights = get("weights", () -> WeightFormat.STORED);
      ActivationFormat activations = get("activations", () -> ActivationFormat.STORED);
      activations.requireFor(weights);
      return new CpuShard.Formats(weights, activations);
    }

    private int featureWidth() {
      return featureLayer() == 0 ? 0 : config.hiddenSize();
    }

    /**
     * Reads the weights, and builds the executor.
     *
     * @throws ModelFormatException if a tensor is missing, has another shape or cannot be read, or
     *     if shards would cut a group of quantised weights
     * @throws IllegalArgumentException if a KV block does not fit {@code kvBytes}, or the heap has
     *     no room for {@code kvBytes} beside the weights; the message has both numbers; or if
     *     activations are to be rounded for weights that are not in fp8
     */
    public CpuExecutor build() {
      List<CpuShard> shards = read();
      ExecutorProfile profile = profile(shards);
      return new CpuExecutor(this, shards, profile, caches(shards, profile));
    }

    /** Reads the weights of all shards. */
    List<CpuShard> read() {
      List<ModelShard> shards = ModelShard.of(config, get("shards", () -> 1));
      return reader.apply(shards, formats());
    }

    /** Returns the KV blocks of each shard. */
    List<CpuKvCache> caches(List<CpuShard> shards, ExecutorProfile profile) {
      return shards.stream()
          .map(shard -> CpuKvCache.of(shard.config(), profile, kvPrecision()))
          .toList();
    }

    /** Returns what the executor offers; a block is in all shards, each has its heads of it. */
    ExecutorProfile profile(List<CpuShard> shards) {
      long blockBytes = 0;
      long weightBytes = 0;
      for (CpuShard shard : shards) {
        blockBytes += CpuKvCache.bytesPerBlock(shard.config(), kvPrecision(), blockTokens());
        weightBytes += shard.weights().bytes();
      }
      int maxTokens = maxTokensPerStepOr(256);
      return memory(blockBytes, weightBytes, config.activeParameters())
          .maxContextTokens(config.maxContextTokens())
          .maxTokensPerStep(maxTokens)
          .maxSequencesPerStep(maxSequencesPerStepOr(64, maxTokens))
          .vocabularySize(config.vocabularySize())
          .masksTokens(true)
          .reportsLogProbabilities(true)
          .sharesPrefixes(true)
          .featureWidth(featureWidth())
          .build();
    }
  }
}
