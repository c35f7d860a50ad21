package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.Activation;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import java.util.Set;
import java.util.TreeSet;

/** What the kernels are made for. */
public final class KernelLimits {
  private static final Set<Integer> HEAD_SIZES = Set.of(16, 32, 64, 80, 96, 128, 256);
  private static final int MOST_HEADS_EACH = 16;
  private static final int MOST_TOKENS = 1 << 19;

  private KernelLimits() {}

  /**
   * Refuses a model whose shape the kernels do not support.
   *
   * @throws IllegalArgumentException naming what is not supported, and what is
   */
  public static void check(ModelConfig config) {
    requireHeads(config);
    requireWidth("hidden_size", config.hiddenSize());
    for (ModelConfig.Layer layer : config.layers()) {
      FeedForward part = layer.feedForward();
      requireWidth(
          part.experts() == null ? "intermediate_size" : "the experts' intermediate_size",
          part.size());
      if (part.activation() == Activation.CLAMPED_SWIGLU && !part.gated()) {
        throw new IllegalArgumentException("a clamped SwiGLU needs a gate");
      }
    }
    if (config.vocabularySize() > MOST_TOKENS) {
      throw new IllegalArgumentException(
          "vocab_size is %d, but the kernels draw from at most %d"
              .formatted(config.vocabularySize(), MOST_TOKENS));
    }
  }

  private static void requireHeads(ModelConfig config) {
    if (!HEAD_SIZES.contains(config.headSize())) {
      throw new IllegalArgumentException(
          "head_dim is %d, but the kernels are made for %s"
              .formatted(config.headSize(), new TreeSet<>(HEAD_SIZES)));
    }
    if (config.heads() / config.kvHeads() > MOST_HEADS_EACH) {
      throw new IllegalArgumentException(
          "num_attention_heads is %d and num_key_value_heads %d, but at most %d query heads share a key head"
              .formatted(config.heads(), config.kvHeads(), MOST_HEADS_EACH));
    }
    boolean normed = config.attention().queryKeyNorm() != QueryKeyNorm.NONE;
    if (normed && config.norms().kind() == NormKind.LAYER) {
      throw new IllegalArgumentException("norms on queries and keys must be RMS norms");
    }
  }

  private static void requireWidth(String name, int width) {
    if (width % 8 != 0) {
      throw new IllegalArgumentException(
          "%s must be a multiple of 8, but is %d".formatted(name, width));
    }
  }
}
