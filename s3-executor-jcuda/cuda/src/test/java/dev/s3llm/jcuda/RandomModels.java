package dev.s3llm.jcuda;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.Vocabulary;
import dev.s3llm.model.ModelFamily;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.RotaryEmbedding;
import java.util.Random;

/** Small models with random weights, the same on the CPU and the GPU. */
final class RandomModels {
  private static final int[] HEAD_SIZES = {16, 32, 64, 80, 96, 128, 256};
  private static final int[] GROUPS = {1, 1, 2, 4, 8};

  private RandomModels() {}

  /** Llama with this many key heads to its eight query heads. */
  static ModelConfig llama(int kvHeads) {
    return llama(1000, 256, 4, 8, kvHeads, 32, 704);
  }

  /** GPT-J with part of each head turned. */
  static ModelConfig gptJ() {
    return gptJ(1000, 256, 3, 4, 1024, 32);
  }

  /** A shape drawn at random: family, widths, heads, grouping. */
  static ModelConfig drawn(long seed) {
    Random random = new Random(seed);
    int size = HEAD_SIZES[random.nextInt(HEAD_SIZES.length)];
    int groups = GROUPS[random.nextInt(GROUPS.length)];
    int kvHeads = 1 + random.nextInt(3);
    int heads = groups * kvHeads;
    int vocabulary = 50 + random.nextInt(3000);
    int layers = 1 + random.nextInt(3);
    int inner = 8 * (8 + random.nextInt(150));
    if (random.nextInt(4) == 0) {
      return gptJ(vocabulary, kvHeads * size, layers, kvHeads, inner, size / 4 * 2);
    }
    return llama(vocabulary, 8 * (8 + random.nextInt(80)), layers, heads, kvHeads, size, inner);
  }

  private static ModelConfig llama(
      int vocabulary, int hidden, int layers, int heads, int kvHeads, int size, int inner) {
    return new ModelConfig(
        ModelFamily.LLAMA,
        new Vocabulary(vocabulary, false, 3),
        new Attention(heads, kvHeads, size, RotaryEmbedding.of(size, 10_000)),
        layers,
        hidden,
        inner,
        1e-5f,
        1024);
  }

  private static ModelConfig gptJ(
      int vocabulary, int hidden, int layers, int heads, int inner, int turned) {
    return new ModelConfig(
        ModelFamily.GPT_J,
        new Vocabulary(vocabulary, false, 3),
        new Attention(heads, heads, hidden / heads, RotaryEmbedding.interleaved(turned, 10_000)),
        layers,
        hidden,
        inner,
        1e-5f,
        1024);
  }

  /** The host's executor for a shape. */
  static CpuExecutor.Builder host(ModelConfig config) {
    return CpuExecutor.builder(config, new RandomTensors(config, 7));
  }

  /** The GPU's executor for a shape, with 64 MiB of KV and of swap space and the debug mode on. */
  static JCudaExecutor.Builder gpu(ModelConfig config) {
    return gpu(config, 64L << 20, 64L << 20);
  }

  /** The GPU's executor for a shape, with the debug mode on. */
  static JCudaExecutor.Builder gpu(ModelConfig config, long kvBytes, long swapBytes) {
    return unchecked(config, kvBytes, swapBytes).checkKv(true);
  }

  /** The GPU's executor for a shape, with the debug mode off. */
  static JCudaExecutor.Builder unchecked(ModelConfig config, long kvBytes, long swapBytes) {
    return JCudaExecutor.builder(config, () -> new RandomTensors(config, 7))
        .kvBytes(kvBytes)
        .swapBytes(swapBytes)
        .maxTokensPerStep(256)
        .maxSequencesPerStep(64);
  }
}
