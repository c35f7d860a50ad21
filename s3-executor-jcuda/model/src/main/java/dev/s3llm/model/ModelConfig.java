package dev.s3llm.model;

import java.nio.file.Path;

/**
 * The shape of a decoder.
 *
 * @param family family of decoders that it belongs to
 * @param vocabulary its tokens
 * @param attention its heads
 * @param layers number of decoder layers, at least 1
 * @param hiddenSize width of the residual stream, at least 1
 * @param intermediateSize width of the feed-forward part, at least 1
 * @param normEpsilon added to the mean square, or the variance, in a norm; in (0, 1)
 * @param maxContextTokens number of positions that the model was made for, at least 1
 */
public record ModelConfig(
    ModelFamily family,
    Vocabulary vocabulary,
    Attention attention,
    int layers,
    int hiddenSize,
    int intermediateSize,
    float normEpsilon,
    int maxContextTokens) {
  static final int MAX_DIMENSION = 1 << 24;

  /**
   * The tokens of a model.
   *
   * @param size token ids are in {@code [0, size)}
   * @param tiedOutput whether the output matrix is the embedding
   * @param stopTokens token ids that end an answer, ascending
   */
  @SuppressWarnings("ArrayRecordComponent") // small, never compared
  public record Vocabulary(int size, boolean tiedOutput, int... stopTokens) {}

  /**
   * The heads of a model's attention.
   *
   * @param heads number of query heads, at least 1
   * @param kvHeads number of key and value heads; divides {@code heads}
   * @param headSize width of a head; even
   * @param rope rotary embedding
   */
  public record Attention(int heads, int kvHeads, int headSize, RotaryEmbedding rope) {

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
      if (rope.dimensions() > headSize) {
        throw new ModelFormatException(
            "rotary_dim %d exceeds the head's %d dimensions"
                .formatted(rope.dimensions(), headSize));
      }
    }
  }

  /**
   * Validates the norm's epsilon.
   *
   * @throws ModelFormatException naming the field of {@code config.json}
   */
  public ModelConfig {
    if (!(normEpsilon > 0 && normEpsilon < 1)) {
      throw new ModelFormatException(
          (family == ModelFamily.LLAMA ? "rms_norm_eps" : "layer_norm_epsilon")
              + " must be in (0, 1), but is "
              + normEpsilon);
    }
  }

  /**
   * Reads {@code config.json} of a model folder, and stop tokens from {@code
   * generation_config.json} where the folder has one.
   *
   * @param folder a Hugging Face model folder
   * @throws ModelFormatException naming the field, its value and the expected value
   */
  public static ModelConfig read(Path folder) {
    return ConfigReader.read(folder);
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

  /** Returns the rotary embedding. */
  public RotaryEmbedding rope() {
    return attention.rope;
  }

  /** Returns the width of all query heads together. */
  public int querySize() {
    return heads() * headSize();
  }

  /** Returns the width of all key heads together, which is also that of all value heads. */
  public int kvSize() {
    return kvHeads() * headSize();
  }
}
