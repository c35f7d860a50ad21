package dev.s3llm.jcuda;

/**
 * The numerical work of a decoder over a ragged batch of rows (one row a token). What a backend
 * implements; the order of calls is {@link LlamaDecoder}'s. A row's result never depends on other
 * rows.
 *
 * @param <M> a matrix in the backend's layout
 */
interface Kernels<M> {

  /** {@code out[r] = table[tokens[r]]}; the width is the row size. */
  void embed(float[] table, int[] tokens, int rows, int width, float[] out);

  /** {@code out[r] = in[r] / sqrt(mean(in[r]^2) + epsilon) * weight}. */
  void rmsNorm(float[] in, float[] weight, float epsilon, int rows, float[] out);

  /** {@code out[r] = matrix * in[r] (+ bias)}. */
  void multiply(M matrix, float[] in, int rows, float[] out);

  /** {@code into[i] += from[i]}. */
  void add(float[] into, float[] from, int count);

  /** {@code gate[i] = silu(gate[i]) * up[i]}. */
  void gatedSilu(float[] gate, float[] up, int count);

  /** Turns each head of each row by its position, in the half-split layout. */
  void rotate(float[] heads, int[] positions, int rows, int headCount, float[] frequencies);

  /** Stores a layer's keys and values of all rows into their KV slots. */
  void store(int layer, BatchLayout batch, float[] keys, float[] values);

  /** Attends from each row to its sequence's positions up to its own. */
  void attend(int layer, BatchLayout batch, float[] queries, int headCount, float[] out);
}
