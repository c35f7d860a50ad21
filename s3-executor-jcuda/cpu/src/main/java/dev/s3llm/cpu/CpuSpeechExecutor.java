package dev.s3llm.cpu;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechExecutor;
import java.util.concurrent.ThreadFactory;

/**
 * Builds executors of speech models on the CPU, in plain Java. Arithmetic is fp32. A text depends
 * on the recording and its decoding alone, whatever the batch and the number of threads.
 */
public final class CpuSpeechExecutor {
  private CpuSpeechExecutor() {}

  /**
   * Starts to build an executor from a configuration and a source of its weights.
   *
   * @param config shape of the model
   * @param source tensors of the model; read at once, stays open
   * @throws ModelFormatException if a tensor is missing, has another shape, or is not part of the
   *     model
   */
  public static Builder builder(SpeechConfig config, TensorSource source) {
    return new Builder(config, CpuSpeechWeightReader.read(config, source));
  }

  /**
   * Settings of an executor. By default: {@link #kvBytes} is 256 MiB, {@link #swapBytes} is 256
   * MiB, {@link #maxTokensPerStep} is 4,096, {@link #maxSequencesPerStep} is 64.
   *
   * <p>Frames and canvas positions are tokens: a recording, and a canvas, has at most {@code
   * maxTokensPerStep} of them. The default value is enough for recordings of 160 seconds at 25
   * frames a second. Not thread-safe.
   */
  public static final class Builder extends CpuSettings<Builder> {
    private static final int DEFAULT_MAX_TOKENS = 4096;
    private static final int DEFAULT_MAX_SEQUENCES = 64;

    /** Passes of the usual decoding, until the executor reports those that are left. */
    private static final int USUAL_PASSES = 3;

    private final SpeechConfig config;
    private final CpuSpeechWeights weights;

    Builder(SpeechConfig config, CpuSpeechWeights weights) {
      this.config = config;
      this.weights = weights;
    }

    @Override
    protected Builder self() {
      return this;
    }

    /**
     * Builds the executor.
     *
     * @throws IllegalArgumentException if a KV block does not fit {@code kvBytes}, or the heap has
     *     no room for {@code kvBytes} beside the weights; the message has both numbers
     */
    public SpeechExecutor build() {
      ThreadFactory factory = threadFactory();
      return new SpeechExecutor(device(factory), factory);
    }

    /** Returns the device of the executor. */
    CpuSpeechDevice device(ThreadFactory factory) {
      ExecutorProfile profile = profile();
      return new CpuSpeechDevice(config, weights, profile, new WorkerPool(threads(), factory));
    }

    private ExecutorProfile profile() {
      int maxTokens = maxTokensPerStepOr(DEFAULT_MAX_TOKENS);
      long blockBytes =
          CpuKvCache.bytesPerBlock(config.decoderLayers(), config.hiddenSize(), blockTokens());
      long products = CpuSpeechWeights.productsPerFrame(config);
      return memory(blockBytes, CpuSpeechWeights.bytes(config), products)
          .maxContextTokens(Math.multiplyExact(2, maxTokens))
          .maxTokensPerStep(maxTokens)
          .maxSequencesPerStep(maxSequencesPerStepOr(DEFAULT_MAX_SEQUENCES, maxTokens))
          .vocabularySize(config.vocabularySize())
          .growth(KvGrowth.FIXED_CANVAS)
          .canvasPasses(USUAL_PASSES)
          .takesInputs(true)
          .build();
    }
  }
}
