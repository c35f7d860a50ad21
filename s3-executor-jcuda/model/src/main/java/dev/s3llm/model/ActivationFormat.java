package dev.s3llm.model;

/**
 * The format in which matrix products of layers read their input, the activations. Products with
 * experts, routers and embeddings always read the executor's own numbers: fp32 on a CPU, 16 bits on
 * a GPU.
 *
 * <p>Rounded inputs are floats of 8 bits (e4m3), each times a scale; see {@link RoundedInput}. A
 * row is rounded by itself, so that its bits do not depend on the batch. A GPU needs compute
 * capability 9.0 for them.
 */
public enum ActivationFormat {
  /**
   * Rounded where the model's files say so and their weights are e4m3, which are kept as {@link
   * WeightFormat#STORED}: {@code input_activations} of compressed-tensors, {@code
   * activation_scheme} of fp8, fbgemm_fp8. Not rounded elsewhere, and on GPUs without such
   * products.
   */
  STORED,
  /** The executor's own numbers, whatever the files say. */
  WIDE,
  /**
   * Rounded for all matrices of layers with e4m3 weights, stored or as {@link WeightFormat#FP8}: as
   * the files say, else with a scale for each row. GPUs without such products are refused.
   */
  FP8;

  /**
   * Refuses formats of weights that do not go with this one.
   *
   * @throws IllegalArgumentException if this is {@link #FP8} and weights are not in fp8; names both
   *     settings
   */
  public void requireFor(WeightFormat weights) {
    if (this == FP8 && weights != WeightFormat.STORED && weights != WeightFormat.FP8) {
      throw new IllegalArgumentException(
          "activations is FP8, which needs weights STORED or FP8, but weights is " + weights);
    }
  }
}
