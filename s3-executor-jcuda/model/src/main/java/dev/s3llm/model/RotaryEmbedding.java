package dev.s3llm.model;

/**
 * Rotary position embedding (RoFormer, section 3.2): pairs of a head's first {@link #dimensions}
 * are rotated by an angle in proportion to the position; the others stay.
 *
 * @param frequencies angle in radians per position, for each pair of dimensions
 * @param interleaved whether dimension {@code 2i} is paired with {@code 2i + 1} (GPT-J), or {@code
 *     i} with {@code i + dimensions / 2} (Llama)
 * @param magnitude factor of the rotated dimensions, of queries and of keys (YaRN, section 3.4); 1
 *     without such scaling
 */
@SuppressWarnings("ArrayRecordComponent") // small, never compared
public record RotaryEmbedding(float[] frequencies, boolean interleaved, float magnitude) {

  /**
   * Creates the embedding of Llama: half-split, frequencies {@code theta^(-2i / dimensions)}.
   *
   * @param dimensions number of rotated dimensions of a head; even
   * @param theta base of the frequencies, at least 1
   */
  public static RotaryEmbedding of(int dimensions, double theta) {
    return new RotaryEmbedding(frequencies(dimensions, theta), false, 1);
  }

  /**
   * Creates the embedding of GPT-J: interleaved, frequencies {@code theta^(-2i / dimensions)}.
   *
   * @param dimensions number of rotated dimensions of a head; even
   * @param theta base of the frequencies, at least 1
   */
  public static RotaryEmbedding interleaved(int dimensions, double theta) {
    return new RotaryEmbedding(frequencies(dimensions, theta), true, 1);
  }

  private static float[] frequencies(int dimensions, double theta) {
    float[] frequencies = new float[dimensions / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) (1 / Math.pow(theta, 2.0 * i / dimensions));
    }
    return frequencies;
  }

  /** Returns the number of rotated dimensions of a head. */
  public int dimensions() {
    return 2 * frequencies.length;
  }
}
