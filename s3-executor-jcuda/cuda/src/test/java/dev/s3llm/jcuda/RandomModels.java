package dev.s3llm.jcuda;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.Activation;
import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.Experts;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.Layer;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.Norms;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scales;
import dev.s3llm.model.ModelConfig.Scores;
import dev.s3llm.model.ModelConfig.Vocabulary;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.RotaryEmbedding;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Small models with random weights, the same on the CPU and the GPU. */
final class RandomModels {
  private static final int[] HEAD_SIZES = {16, 32, 64, 80, 96, 128, 256};
  private static final int[] GROUPS = {1, 1, 2, 4, 8};
  private static final int CONTEXT = 1024;
  private static final float EPSILON = 1e-5f;

  private RandomModels() {}

  /** Llama with this many key heads to its eight query heads. */
  static ModelConfig llama(int kvHeads) {
    return llama(kvHeads, 1000);
  }

  /** The same with another vocabulary. */
  static ModelConfig llama(int kvHeads, int vocabulary) {
    FeedForward part = new FeedForward(Activation.SILU, true, 704, false, null);
    return plain("llama", vocabulary, 256, attention(8, kvHeads, 32), 4, part);
  }

  /**
   * Llama whose small steps are one launch, on two cards and with codes too, with this many key
   * heads to its four query heads.
   */
  static ModelConfig wide(int kvHeads) {
    FeedForward part = new FeedForward(Activation.SILU, true, 768, false, null);
    return plain("llama", 1000, 256, attention(4, kvHeads, 64), 4, part);
  }

  /** GPT-J with part of each head turned. */
  static ModelConfig gptJ() {
    return gptJ(1000, 256, 3, 4, 1024, 32);
  }

  /** Gemma: norms around each part, capped scores and logits, a window on every second layer. */
  static ModelConfig gemma() {
    FeedForward part = new FeedForward(Activation.GELU_TANH, true, 704, false, null);
    RotaryEmbedding near = RotaryEmbedding.of(64, 10_000);
    RotaryEmbedding far = RotaryEmbedding.of(64, 1e6);
    return new ModelConfig(
        "gemma3_text",
        new Vocabulary(1000, true, false, 3),
        256,
        CONTEXT,
        new Norms(NormKind.RMS_ONE_PLUS, NormPlacement.AROUND, EPSILON),
        new Attention(4, 2, 64, new Scores(0.1f, 20, false), QueryKeyNorm.HEAD, false, false),
        new Scales(16, 1, 1, 10),
        List.of(new Layer(near, 40, part), new Layer(far, 0, part), new Layer(near, 40, part)));
  }

  /** OLMo 2: norms after each part, and over all heads of queries and of keys. */
  static ModelConfig olmo2(int kvHeads) {
    FeedForward part = new FeedForward(Activation.SILU, true, 704, false, null);
    RotaryEmbedding rope = RotaryEmbedding.of(32, 10_000);
    Scores scores = new Scores((float) (1 / Math.sqrt(32)), 0, false);
    return new ModelConfig(
        "olmo2",
        new Vocabulary(1000, false, false, 3),
        256,
        CONTEXT,
        new Norms(NormKind.RMS, NormPlacement.AFTER, EPSILON),
        new Attention(8, kvHeads, 32, scores, QueryKeyNorm.WHOLE, false, false),
        Scales.NONE,
        Collections.nCopies(3, new Layer(rope, 0, part)));
  }

  /** Llama whose matrices are whole blocks of 256 columns on each of two cards. */
  static ModelConfig halves() {
    FeedForward part = new FeedForward(Activation.SILU, true, 1024, false, null);
    return plain("llama", 1000, 512, attention(8, 4, 64), 3, part);
  }

  /** Experts whose matrices are whole groups of 128 columns on each of two cards. */
  static ModelConfig expertHalves() {
    return withExperts(256, new Experts(8, 2, true, true), Activation.CLAMPED_SWIGLU, true, 0);
  }

  /** gpt-oss: experts with a clamped gate, sinks, a window on every second layer, biases. */
  static ModelConfig gptOss() {
    return withExperts(144, new Experts(16, 3, true, true), Activation.CLAMPED_SWIGLU, true, 50);
  }

  /** Qwen3-MoE: experts whose probabilities are not scaled. */
  static ModelConfig qwen3Moe() {
    return withExperts(144, new Experts(12, 4, false, false), Activation.SILU, false, 0);
  }

  private static ModelConfig withExperts(
      int inner, Experts experts, Activation activation, boolean biased, int window) {
    FeedForward part = new FeedForward(activation, true, inner, biased, experts);
    RotaryEmbedding rope = RotaryEmbedding.of(32, 10_000);
    Scores scores = new Scores(0.18f, 0, biased);
    QueryKeyNorm norm = biased ? QueryKeyNorm.NONE : QueryKeyNorm.HEAD;
    return new ModelConfig(
        "llama", // whose tensors have these names too; gpt_oss's own are stacked
        new Vocabulary(1000, false, false, 3),
        256,
        CONTEXT,
        new Norms(NormKind.RMS, NormPlacement.BEFORE, EPSILON),
        new Attention(8, 2, 32, scores, norm, biased, biased),
        Scales.NONE,
        List.of(new Layer(rope, window, part), new Layer(rope, 0, part)));
  }

  /** A shape drawn at random: family, widths, heads, grouping, and what a layer may have. */
  static ModelConfig drawn(long seed) {
    Random random = new Random(seed);
    int size = HEAD_SIZES[random.nextInt(HEAD_SIZES.length)];
    int groups = GROUPS[random.nextInt(GROUPS.length)];
    int kvHeads = 1 + random.nextInt(3);
    int heads = groups * kvHeads;
    int vocabulary = 50 + random.nextInt(3000);
    int layers = 1 + random.nextInt(3);
    int inner = 8 * (8 + random.nextInt(150));
    if (random.nextInt(5) == 0) {
      return gptJ(vocabulary, kvHeads * size, layers, kvHeads, inner, size / 4 * 2);
    }
    int hidden = 8 * (8 + random.nextInt(80));
    if (random.nextInt(3) == 0) {
      FeedForward part = new FeedForward(Activation.SILU, true, inner, false, null);
      return plain("llama", vocabulary, hidden, attention(heads, kvHeads, size), layers, part);
    }
    return varied(random, vocabulary, hidden, new int[] {heads, kvHeads, size}, layers, inner);
  }

  private static ModelConfig varied(
      Random random, int vocabulary, int hidden, int[] heads, int layers, int inner) {
    NormPlacement placement = NormPlacement.values()[random.nextInt(3)];
    String family = switch (placement) { // its tensors have the names of these norms
          case BEFORE, SHARED -> "llama";
          case AFTER -> "olmo2";
          case AROUND -> "gemma2";
        };
    NormKind kind = random.nextBoolean() ? NormKind.RMS : NormKind.RMS_ONE_PLUS;
    Scores scores =
        new Scores(
            (float) (1.2 / Math.sqrt(heads[2])),
            random.nextBoolean() ? 0 : 6,
            random.nextBoolean());
    QueryKeyNorm norm = QueryKeyNorm.values()[random.nextInt(3)];
    boolean biased = random.nextBoolean();
    List<Layer> all = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      all.add(layer(random, heads[2], inner, biased));
    }
    return new ModelConfig(
        family,
        new Vocabulary(vocabulary, random.nextBoolean(), false, 3),
        hidden,
        CONTEXT,
        new Norms(kind, placement, EPSILON),
        new Attention(heads[0], heads[1], heads[2], scores, norm, biased, random.nextBoolean()),
        new Scales(1.5f, 0.7f, 0.5f, random.nextBoolean() ? 0 : 4),
        all);
  }

  private static Layer layer(Random random, int size, int inner, boolean biased) {
    Activation activation = Activation.values()[random.nextInt(Activation.values().length)];
    RotaryEmbedding whole = RotaryEmbedding.of(size, 10_000);
    RotaryEmbedding part =
        new RotaryEmbedding(RotaryEmbedding.of(size / 4 * 2, 1e5).frequencies(), false, 1.2f);
    RotaryEmbedding rope =
        switch (random.nextInt(3)) {
          case 0 -> null;
          case 1 -> whole;
          default -> part;
        };
    int window = random.nextBoolean() ? 0 : 1 + random.nextInt(150);
    return new Layer(rope, window, new FeedForward(activation, true, inner, biased, null));
  }

  private static ModelConfig plain(
      String family,
      int vocabulary,
      int hidden,
      Attention attention,
      int layers,
      FeedForward part) {
    RotaryEmbedding rope = RotaryEmbedding.of(attention.headSize(), 10_000);
    return new ModelConfig(
        family,
        new Vocabulary(vocabulary, false, false, 3),
        hidden,
        CONTEXT,
        new Norms(NormKind.RMS, NormPlacement.BEFORE, EPSILON),
        attention,
        Scales.NONE,
        Collections.nCopies(layers, new Layer(rope, 0, part)));
  }

  private static Attention attention(int heads, int kvHeads, int size) {
    Scores scores = new Scores((float) (1 / Math.sqrt(size)), 0, false);
    return new Attention(heads, kvHeads, size, scores, QueryKeyNorm.NONE, false, false);
  }

  private static ModelConfig gptJ(
      int vocabulary, int hidden, int layers, int heads, int inner, int turned) {
    FeedForward part = new FeedForward(Activation.GELU_TANH, false, inner, true, null);
    return new ModelConfig(
        "gptj",
        new Vocabulary(vocabulary, false, true, 3),
        hidden,
        CONTEXT,
        new Norms(NormKind.LAYER, NormPlacement.SHARED, EPSILON),
        attention(heads, heads, hidden / heads),
        Scales.NONE,
        Collections.nCopies(
            layers, new Layer(RotaryEmbedding.interleaved(turned, 10_000), 0, part)));
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
