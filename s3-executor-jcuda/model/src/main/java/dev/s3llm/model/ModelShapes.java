package dev.s3llm.model;

import dev.s3llm.model.ModelConfig.Activation;
import dev.s3llm.model.ModelConfig.Attention;
import dev.s3llm.model.ModelConfig.FeedForward;
import dev.s3llm.model.ModelConfig.Layer;
import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.Norms;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scales;
import dev.s3llm.model.ModelConfig.Scores;
import dev.s3llm.model.ModelConfig.Vocabulary;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;

/** Shapes of well-known models, for benchmarks with {@link RandomTensors}. */
public final class ModelShapes {
  private static final int CONTEXT = 2048;
  private static final Map<String, IntFunction<ModelConfig>> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("gpt-j-6b", context -> gptJ(28, 4096, 16, context));
    SHAPES.put("llama-1b", context -> llama(16, 2048, 32, 8192, context));
    SHAPES.put("llama-13b", context -> llama(40, 5120, 40, 13824, context));
    SHAPES.put("llama-33b", context -> llama(60, 6656, 52, 17920, context));
    SHAPES.put(
        "llama-70b",
        context -> new Sizes(32_000, 8192, 80, 64, 8, 128, 28_672, context).llama(false));
  }

  private ModelShapes() {}

  private static ModelConfig llama(int layers, int hidden, int heads, int inner, int context) {
    return new Sizes(32_000, hidden, layers, heads, heads, hidden / heads, inner, context)
        .llama(false);
  }

  private static ModelConfig gptJ(int layers, int hidden, int heads, int context) {
    return new Sizes(50_400, hidden, layers, heads, heads, hidden / heads, 4 * hidden, context)
        .gptJ(64);
  }

  /** Returns the known names. */
  public static Set<String> names() {
    return SHAPES.keySet();
  }

  /**
   * Returns the shape of a model.
   *
   * @param name one of {@link #names}
   * @throws IllegalArgumentException if the name is unknown; the message lists the known ones
   */
  public static ModelConfig of(String name) {
    return of(name, CONTEXT);
  }

  /**
   * Returns the shape of a model, with another number of positions than the model was made for.
   *
   * @param name one of {@link #names}
   * @param contextTokens number of positions, at least 1
   * @throws IllegalArgumentException if the name is unknown; the message lists the known ones
   */
  public static ModelConfig of(String name, int contextTokens) {
    IntFunction<ModelConfig> shape = SHAPES.get(name);
    if (shape == null) {
      throw new IllegalArgumentException(
          "there is no shape " + name + ", but " + String.join(", ", SHAPES.keySet()));
    }
    return shape.apply(contextTokens);
  }

  /**
   * The sizes of a plain decoder, for shapes of one's own.
   *
   * @param vocabulary number of tokens
   * @param hidden width of the residual stream
   * @param layers number of layers
   * @param heads number of query heads
   * @param kvHeads number of key and value heads
   * @param headSize width of a head
   * @param inner width of the feed-forward part
   * @param context number of positions
   */
  public record Sizes(
      int vocabulary,
      int hidden,
      int layers,
      int heads,
      int kvHeads,
      int headSize,
      int inner,
      int context) {
    /**
     * Returns a decoder of Llama's operations.
     *
     * @param tied whether the output matrix is the embedding
     * @param stopTokens token ids that end an answer, ascending
     */
    public ModelConfig llama(boolean tied, int... stopTokens) {
      return config(
          "llama",
          new Vocabulary(vocabulary, tied, false, stopTokens),
          new Norms(NormKind.RMS, NormPlacement.BEFORE, 1e-5f),
          new Layer(
              RotaryEmbedding.of(headSize, 10_000),
              0,
              new FeedForward(Activation.SILU, true, inner, false, null)));
    }

    /**
     * Returns a decoder of GPT-J's operations.
     *
     * @param turned number of rotated dimensions of a head
     * @param stopTokens token ids that end an answer, ascending
     */
    public ModelConfig gptJ(int turned, int... stopTokens) {
      return config(
          "gptj",
          new Vocabulary(vocabulary, false, true, stopTokens),
          new Norms(NormKind.LAYER, NormPlacement.SHARED, 1e-5f),
          new Layer(
              RotaryEmbedding.interleaved(turned, 10_000),
              0,
              new FeedForward(Activation.GELU_TANH, false, inner, true, null)));
    }

    private ModelConfig config(String family, Vocabulary tokens, Norms norms, Layer layer) {
      Scores scores = new Scores((float) (1 / Math.sqrt(headSize)), 0, false);
      return new ModelConfig(
          family,
          tokens,
          hidden,
          context,
          norms,
          new Attention(heads, kvHeads, headSize, scores, QueryKeyNorm.NONE, false, false),
          Scales.NONE,
          Collections.nCopies(layers, layer));
    }
  }
}
