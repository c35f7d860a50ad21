package dev.s3llm.jcuda;

import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.jcuda.internal.speech.JCudaSpeechDevice;
import dev.s3llm.jcuda.internal.speech.SpeechFormat;
import dev.s3llm.jcuda.internal.speech.SpeechLimits;
import dev.s3llm.jcuda.internal.speech.SpeechProfile;
import dev.s3llm.model.ExecutorSettings;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechExecutor;
import java.util.Objects;

/**
 * Builds executors that decode speech on an NVIDIA GPU: weights and KV in fp16, the residual stream
 * and sums in fp32, kernels of this library. It needs an NVIDIA driver and nothing else.
 *
 * <p>The text of a recording is the same alone, in any batch and after a swap; so are all logits,
 * bitwise. After an error that the device cannot recover from, every step fails with {@link
 * ExecutorLostException}.
 */
public final class JCudaSpeechExecutor {
  private JCudaSpeechExecutor() {}

  /**
   * Starts to build an executor.
   *
   * @param config shape of the model
   * @param tensors tensors of the model, which {@link Builder#build} reads and does not close
   * @throws IllegalArgumentException if the kernels do not support the model's shape
   * @throws NullPointerException if an argument is null
   */
  public static Builder builder(SpeechConfig config, TensorSource tensors) {
    return new Builder(config, tensors);
  }

  /**
   * Settings of the executor. By default: {@link #device} is 0, {@link #kvBytes} is 1 GiB, {@link
   * #swapBytes} is 256 MiB of pinned memory, {@link #maxTokensPerStep} is 4,096 frames or canvas
   * positions, {@link #maxSequencesPerStep} is 256. Frames and canvas positions are tokens: a
   * recording, and a canvas, has at most {@code maxTokensPerStep} of them. The default value is
   * enough for recordings of 160 seconds at 25 frames a second. Not thread-safe.
   */
  public static final class Builder extends ExecutorSettings<Builder> {
    private static final long DEFAULT_KV_BYTES = 1L << 30;
    private static final long DEFAULT_SWAP_BYTES = 256L << 20;
    private static final int DEFAULT_TOKENS = 4096;
    private static final int DEFAULT_SEQUENCES = 256;

    /** Positions of a step for which the sizes of all buffers fit an int. */
    private static final int MOST_TOKENS = 1 << 18;

    private final SpeechConfig config;
    private final TensorSource tensors;

    private Builder(SpeechConfig config, TensorSource tensors) {
      SpeechLimits.check(config);
      this.config = config;
      this.tensors = Objects.requireNonNull(tensors, "tensors must not be null");
    }

    @Override
    protected Builder self() {
      return this;
    }

    /**
     * Sets the device; 0 by default.
     *
     * @param number number of the device, from 0
     * @throws IllegalArgumentException if the value is out of range
     * @throws IllegalStateException if it was set before
     */
    public Builder device(int number) {
      return set("device", (int) atLeast("device", number, 0));
    }

    /**
     * Opens the device, copies the weights there and allocates the memory.
     *
     * @throws IllegalStateException if no driver is installed, or the device does not exist
     * @throws IllegalArgumentException if the KV memory does not fit, or a step is too large; the
     *     message has the numbers
     * @throws ModelFormatException if the weights are missing or damaged
     * @throws RuntimeException if a call of the driver fails; the message names the call
     */
    public SpeechExecutor build() {
      JCudaSpeechDevice device =
          new JCudaSpeechDevice(get("device", () -> 0), config, tensors, profile());
      try {
        return new SpeechExecutor(device, threadFactoryOr("s3-cuda-speech"));
      } catch (RuntimeException e) {
        device.close();
        throw e;
      }
    }

    private SpeechProfile profile() {
      int maxTokens = maxTokensPerStepOr(DEFAULT_TOKENS);
      int maxSequences = maxSequencesPerStepOr(DEFAULT_SEQUENCES, maxTokens);
      if (maxTokens > MOST_TOKENS) {
        throw new IllegalArgumentException(
            "maxTokensPerStep is %d, but a step has at most %d positions"
                .formatted(maxTokens, MOST_TOKENS));
      }
      return new SpeechProfile(
          config,
          new SpeechFormat(maxTokens, maxSequences, 2 * maxTokens),
          get("kvBytes", () -> DEFAULT_KV_BYTES),
          get("swapBytes", () -> DEFAULT_SWAP_BYTES));
    }
  }
}
