package dev.s3llm.cpu;

import dev.s3llm.cpu.CpuSpeechWeights.Attention;
import dev.s3llm.cpu.CpuSpeechWeights.FeedForward;
import dev.s3llm.cpu.CpuSpeechWeights.Norm;
import dev.s3llm.model.speech.SpeechConfig;

/**
 * The rows of a pass through encoder or decoder, with the buffers of the parts that both have. Each
 * part adds its result to the residual stream.
 */
final class SpeechRows {
  /** Residual stream, {@code [row][hidden]}. */
  final float[] stream;

  /** The rows after a part's norm. */
  final float[] normed;

  final float[] queries;
  final float[] keys;
  final float[] values;

  /** What an attention, or a convolution, gives to its last matrix. */
  final float[] mixed;

  private final int rows;
  private final float epsilon;
  private final CpuKernels kernels;
  private final float[] inner;
  private final float[] change;

  /**
   * Creates rows.
   *
   * @param config shape of the model
   * @param kernels computes the parts
   * @param stream the rows, {@code [row][hidden]}; changed by the parts
   */
  SpeechRows(SpeechConfig config, CpuKernels kernels, float[] stream) {
    this.kernels = kernels;
    this.stream = stream;
    this.rows = stream.length / config.hiddenSize();
    this.epsilon = config.normEpsilon();
    normed = new float[stream.length];
    queries = new float[stream.length];
    keys = new float[stream.length];
    values = new float[stream.length];
    mixed = new float[stream.length];
    change = new float[stream.length];
    inner = new float[Math.multiplyExact(rows, config.intermediateSize())];
  }

  /** Returns the rule of all attentions. */
  static AttentionRule rule(SpeechConfig config) {
    int heads = config.heads();
    float scale = (float) (1 / Math.sqrt(config.headSize()));
    return new AttentionRule(heads, heads, config.headSize(), scale, 0, 0, null);
  }

  /** Computes the norm of the stream. */
  float[] norm(Norm norm) {
    kernels.layerNorm(stream, norm.scale(), norm.bias(), epsilon, rows, normed);
    return normed;
  }

  /** Computes queries, keys and values of the stream. */
  void project(Attention part) {
    norm(part.norm());
    kernels.multiply(part.query(), normed, rows, queries);
    kernels.multiply(part.key(), normed, rows, keys);
    kernels.multiply(part.value(), normed, rows, values);
  }

  /** Computes queries alone: keys and values are those of the frames. */
  void projectQueries(Attention part) {
    kernels.multiply(part.query(), norm(part.norm()), rows, queries);
  }

  /** Adds the product of {@link #mixed} and a part's last matrix to the stream. */
  void addMixed(CpuMatrix output) {
    kernels.multiply(output, mixed, rows, change);
    kernels.add(stream, change, stream.length);
  }

  /** Adds a feed-forward part. */
  void feedForward(FeedForward part) {
    kernels.multiply(part.up(), norm(part.norm()), rows, inner);
    kernels.silu(inner, inner.length);
    kernels.multiply(part.down(), inner, rows, change);
    kernels.add(stream, change, stream.length);
  }
}
