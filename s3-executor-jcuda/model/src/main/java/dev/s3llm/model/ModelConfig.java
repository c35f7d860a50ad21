package dev.s3llm.model;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The arithmetic of a decoder: everything about a model but its weights. One description serves all
 * families, so that the executors know operations and no names of models. Immutable and
 * thread-safe.
 *
 * @param family name of the family, such as {@code qwen3}; for messages and for the names of
 *     tensors
 * @param vocabulary its tokens
 * @param hiddenSize width of the residual stream, at least 1
 * @param maxContextTokens number of positions that the model was made for, at least 1
 * @param norms its norms
 * @param attention its heads, the same in all layers
 * @param scales constant factors of the residual stream and the logits
 * @param layers what differs from layer to layer, first to last; at least one
 */
public record ModelConfig(
    String family,
    Vocabulary vocabulary,
    int hiddenSize,
    int maxContextTokens,
    Norms norms,
    Attention attention,
    Scales scales,
    List<Layer> layers) {

  /** The largest dimension of a tensor that a configuration may name. */
  public static final int MAX_DIMENSION = 1 << 24;

  /**
   * The tokens of a model.
   *
   * @param size token ids are in {@code [0, size)}
   * @param tiedOutput whether the output matrix is the embedding
   * @param outputBias whether the output matrix has a bias
   * @param stopTokens token ids that end an answer, ascending
   */
  @SuppressWarnings("ArrayRecordComponent") // small, never compared
  public record Vocabulary(int size, boolean tiedOutput, boolean outputBias, int... stopTokens) {}

  /** The arithmetic of a norm. */
  public enum NormKind {
    /** {@code x / sqrt(mean(x^2) + epsilon) * weight} (Zhang and Sennrich 2019). */
    RMS,
    /** RMS with the factor {@code 1 + weight} (Gemma). */
    RMS_ONE_PLUS,
    /** {@code (x - mean) / sqrt(variance + epsilon) * weight + bias} (Ba et al. 2016). */
    LAYER
  }

  /** The places of the norms in a layer. */
  public enum NormPlacement {
    /** One before the attention and one before the feed-forward part (Llama). */
    BEFORE,
    /** One after each part, before its result is added (OLMo 2). */
    AFTER,
    /** Before and after each part (Gemma 2). */
    AROUND,
    /** One before both parts, which run side by side (GPT-J). */
    SHARED
  }

  /**
   * The norms of a model.
   *
   * @param kind their arithmetic
   * @param placement their places in a layer
   * @param epsilon added to the mean square, or to the variance; in (0, 1)
   */
  public record Norms(NormKind kind, NormPlacement placement, float epsilon) {
    /**
     * Validates the epsilon.
     *
     * @throws ModelFormatException if it is out of range
     */
    public Norms {
      if (!(epsilon > 0 && epsilon < 1)) {
        throw new ModelFormatException("the norm's epsilon must be in (0, 1), but is " + epsilon);
      }
    }
  }

  /** The norms on queries and keys, before they are rotated. */
  public enum QueryKeyNorm {
    /** None. */
    NONE,
    /** Over each head, with one weight for all heads (Qwen3, Gemma 3). */
    HEAD,
    /** Over all heads of a token together (OLMo 2). */
    WHOLE
  }

  /**
   * The scores of attention.
   *
   * @param scale factor of the products of queries and keys
   * @param softcap scores become {@code softcap * tanh(score / softcap)}; 0 for no cap
   * @param sinks whether each head has a further logit that takes part in the softmax but has no
   *     value (gpt-oss)
   */
  public record Scores(float scale, float softcap, boolean sinks) {}

  /**
   * The heads of a model's attention.
   *
   * @param heads number of query heads, at least 1
   * @param kvHeads number of key and value heads; divides {@code heads}
   * @param headSize width of a head; even
   * @param scores arithmetic of the scores
   * @param queryKeyNorm norms on queries and keys
   * @param inputBias whether the projections to queries, keys and values have biases
   * @param outputBias whether the projection of the result has a bias
   */
  public record Attention(
      int heads,
      int kvHeads,
      int headSize,
      Scores scores,
      QueryKeyNorm queryKeyNorm,
      boolean inputBias,
      boolean outputBias) {

    /**
     * Validates the heads.
     *
     * @throws ModelFormatException naming the field of {@code config.json}
     */
    public Attention {
      if (heads % kvHeads != 0) {
        throw new ModelFormatException(
            "num_attention_heads %d is no multiple of num_key_value_heads %d"
                .formatted(heads, kvHeads));
      }
      if ((long) heads * headSize > MAX_DIMENSION) {
        throw new ModelFormatException(
            "num_attention_heads %d times head_dim %d exceeds %d"
                .formatted(heads, headSize, MAX_DIMENSION));
      }
      if (headSize % 2 != 0) {
        throw new ModelFormatException("head_dim must be even, but is " + headSize);
      }
    }
  }

  /**
   * Constant factors.
   *
   * @param embedding factor of the embedding
   * @param residual factor of what each part of a layer adds to the stream
   * @param logits factor of the logits
   * @param logitSoftcap logits become {@code logitSoftcap * tanh(logit / logitSoftcap)}; 0 for no
   *     cap
   */
  public record Scales(float embedding, float residual, float logits, float logitSoftcap) {
    /** No factor and no cap. */
    public static final Scales NONE = new Scales(1, 1, 1, 0);
  }

  /**
   * What differs from layer to layer.
   *
   * @param rope rotary embedding; null in a layer without positions
   * @param window number of positions that a token sees, its own included; 0 for all before it
   * @param feedForward its feed-forward part
   */
  public record Layer(@Nullable RotaryEmbedding rope, int window, FeedForward feedForward) {}

  /** The functions of the feed-forward part. */
  public enum Activation {
    /** {@code x * sigmoid(x)}. */
    SILU,
    /** GELU in its tanh form (Hendrycks and Gimpel 2016). */
    GELU_TANH,
    /**
     * gpt-oss: {@code (up + 1) * gate * sigmoid(1.702 * gate)}, with the gate at most 7 and up in
     * [-7, 7].
     */
    CLAMPED_SWIGLU
  }

  /**
   * A feed-forward part.
   *
   * @param activation its function
   * @param gated whether the function's result is multiplied with a second projection
   * @param size width between its matrices, of each expert if it has experts; at least 1
   * @param bias whether its matrices have biases
   * @param experts its experts; null if it has none
   */
  public record FeedForward(
      Activation activation, boolean gated, int size, boolean bias, @Nullable Experts experts) {}

  /**
   * The experts of a feed-forward part (Shazeer et al. 2017): a router chooses some for each token,
   * whose results are added with the router's probabilities as weights.
   *
   * @param count number of experts, at least 1
   * @param perToken number of experts that serve a token; from 1 to {@code count}
   * @param normalised whether the chosen experts' probabilities are scaled to a sum of 1
   * @param routerBias whether the router has a bias
   */
  public record Experts(int count, int perToken, boolean normalised, boolean routerBias) {
    /**
     * Validates the numbers.
     *
     * @throws ModelFormatException if more experts than there are would serve a token
     */
    public Experts {
      if (perToken < 1 || perToken > count) {
        throw new ModelFormatException(
            "num_experts_per_tok must be from 1 to %d, but is %d".formatted(count, perToken));
      }
    }
  }

  /** Copies the list of layers. */
  public ModelConfig {
    layers = List.copyOf(layers);
  }

  /**
   * Reads a model's configuration, for the context that the model was made for.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @throws ModelFormatException naming the field, its value and the expected value
   */
  public static ModelConfig read(Path model) {
    return ModelFiles.config(model, 0);
  }

  /**
   * Reads a model's configuration, for a context of the caller's. Rotary embeddings that depend on
   * the context's length ({@code dynamic}, {@code longrope}) are fixed by it: never by the length
   * of a sequence, so that keys which were cached and keys which are computed again are the same.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @param contextTokens number of positions to serve, at least 1
   * @throws ModelFormatException naming the field, its value and the expected value
   * @throws IllegalArgumentException if the context is less than 1
   */
  public static ModelConfig read(Path model, int contextTokens) {
    if (contextTokens < 1) {
      throw new IllegalArgumentException(
          "contextTokens must be at least 1, but is " + contextTokens);
    }
    return ModelFiles.config(model, contextTokens);
  }

  /**
   * Returns the same shape with another number of token ids, for random weights.
   *
   * @param size number of token ids, at least 1
   */
  public ModelConfig withVocabularySize(int size) {
    Vocabulary other =
        new Vocabulary(
            size, vocabulary.tiedOutput(), vocabulary.outputBias(), vocabulary.stopTokens());
    return new ModelConfig(
        family, other, hiddenSize, maxContextTokens, norms, attention, scales, layers);
  }

  /** Returns the number of tokens; token ids are in {@code [0, vocabularySize)}. */
  public int vocabularySize() {
    return vocabulary.size;
  }

  /** Returns whether the output matrix is the embedding. */
  public boolean tiedOutput() {
    return vocabulary.tiedOutput;
  }

  /** Returns the token ids that end an answer, ascending; not a copy. */
  public int[] stopTokens() {
    return vocabulary.stopTokens;
  }

  /** Returns the number of decoder layers. */
  public int layerCount() {
    return layers.size();
  }

  /** Returns the number of query heads. */
  public int heads() {
    return attention.heads;
  }

  /** Returns the number of key and value heads. */
  public int kvHeads() {
    return attention.kvHeads;
  }

  /** Returns the width of a head. */
  public int headSize() {
    return attention.headSize;
  }

  /** Returns the number that is added to the mean square, or to the variance, in a norm. */
  public float normEpsilon() {
    return norms.epsilon;
  }

  /** Returns the width of all query heads together. */
  public int querySize() {
    return heads() * headSize();
  }

  /** Returns the width of all key heads together, which is also that of all value heads. */
  public int kvSize() {
    return kvHeads() * headSize();
  }

  /** Returns the number of weights, biases and norms included; a tied output does not count. */
  public long parameters() {
    return ParameterCount.of(this);
  }

  /**
   * Returns the number of weights that one token is multiplied by: the output matrix but not the
   * embedding, and of experts those that serve a token.
   */
  public long activeParameters() {
    return ParameterCount.active(this);
  }
}
