package dev.s3llm.jcuda;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.TensorSource;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** A prompt of 180 tokens for small random models, and executors that have room for it. */
final class WholePrompt {
  private static final int[] TOKENS = new Random(3).ints(180, 0, 1000).toArray();

  private WholePrompt() {}

  /** Returns an executor's builder. */
  static JCudaExecutor.Builder gpu(ModelConfig config, Supplier<TensorSource> weights) {
    return JCudaExecutor.builder(config, weights)
        .kvBytes(64L << 20)
        .swapBytes(0)
        .maxTokensPerStep(256)
        .maxSequencesPerStep(64);
  }

  /** Returns a sequence with the prompt. */
  static HandDrivenSequence sequence() {
    return new HandDrivenSequence(
        1, TOKENS, SamplingParameters.GREEDY, IntStream.range(0, 20).toArray());
  }

  /** Returns the step of the whole prompt alone. */
  static StepBatch step() {
    return sequence().chunk(Integer.MAX_VALUE).alone();
  }
}
