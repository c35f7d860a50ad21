package dev.s3llm.cpu;

import dev.s3llm.cpu.CpuWeights.Norm;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scores;
import dev.s3llm.model.RotaryEmbedding;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One shard's share of a pass over a batch: its heads and its part of each feed-forward part. What
 * the shards compute of a part of a layer is to be added. Keeps its buffers from layer to layer, so
 * it is for one thread.
 */
final class ShardPass {
  private final ModelConfig config;
  private final CpuWeights weights;
  private final CpuKernels kernels;
  private final BatchLayout batch;
  private final int rows;
  private final int shards;
  private final float[] queries;
  private final float[] keys;
  private final float[] values;
  private final float[] attended;
  private final FeedForwardPart feedForward;

  /**
   * Sums of squares over all heads of all shards, for norms over all heads.
   *
   * @param queries of each row's queries
   * @param keys of each row's keys
   */
  @SuppressWarnings("ArrayRecordComponent") // shared, never compared
  record HeadSquares(double[] queries, double[] keys) {
    void clear() {
      Arrays.fill(queries, 0);
      Arrays.fill(keys, 0);
    }
  }

  /**
   * Creates the buffers of a pass.
   *
   * @param kernels kernels with the shard's keys and values
   */
  ShardPass(CpuShard shard, CpuKernels kernels, BatchLayout batch) {
    this.config = shard.config();
    this.weights = shard.weights();
    this.kernels = kernels;
    this.batch = batch;
    this.rows = batch.rows;
    this.shards = shard.shard().count();
    this.queries = new float[rows * config.querySize()];
    this.keys = new float[rows * config.kvSize()];
    this.values = new float[rows * config.kvSize()];
    this.attended = new float[rows * config.querySize()];
    this.feedForward = new FeedForwardPart(kernels);
  }

  /**
   * Computes the shard's queries, keys and values of a layer.
   *
   * @param number number of the layer
   * @param in {@code [row][hidden]}
   * @param squares receives what the shard adds to the squares of norms over all heads
   */
  void project(int number, float[] in, HeadSquares squares) {
    CpuWeights.Attention own = weights.layers().get(number).attention();
    kernels.multiply(own.query(), in, rows, queries);
    kernels.multiply(own.key(), in, rows, keys);
    kernels.multiply(own.value(), in, rows, values);
    if (config.attention().queryKeyNorm() == QueryKeyNorm.WHOLE) {
      kernels.addSquares(queries, config.querySize(), rows, squares.queries());
      kernels.addSquares(keys, config.kvSize(), rows, squares.keys());
    }
  }

  /**
   * Computes what the shard's heads add to the stream, after all shards' {@link #project}.
   *
   * @param number number of the layer
   * @param squares sums of all shards
   * @param out receives {@code [row][hidden]}
   */
  void attention(int number, HeadSquares squares, float[] out) {
    ModelConfig.Layer layer = config.layers().get(number);
    CpuWeights.Attention own = weights.layers().get(number).attention();
    normHeads(queries, own.queryNorm(), config.heads(), squares.queries());
    normHeads(keys, own.keyNorm(), config.kvHeads(), squares.keys());
    RotaryEmbedding rope = layer.rope();
    if (rope != null) {
      kernels.rotate(queries, batch.positions, rows, config.heads(), rope);
      kernels.rotate(keys, batch.positions, rows, config.kvHeads(), rope);
    }
    kernels.store(number, batch, keys, values);
    kernels.attend(number, batch, queries, rule(layer, own), attended);
    kernels.multiply(own.output(), attended, rows, out);
  }

  /**
   * Computes what the shard's part of a feed-forward part adds to the stream.
   *
   * @param number number of the layer
   * @param in {@code [row][hidden]}
   * @param out receives {@code [row][hidden]}
   */
  void feedForward(int number, float[] in, float[] out) {
    feedForward.run(
        config.layers().get(number).feedForward(),
        weights.layers().get(number).feedForward(),
        in,
        rows,
        out);
  }

  private void normHeads(float[] heads, @Nullable Norm norm, int count, double[] squares) {
    if (norm == null) {
      return;
    }
    if (config.attention().queryKeyNorm() == QueryKeyNorm.WHOLE) {
      int all = shards * norm.scale().length;
      kernels.rmsNormOfAll(heads, norm.scale(), config.normEpsilon(), rows, squares, all);
    } else {
      kernels.norm(heads, norm, config.normEpsilon(), rows * count, heads);
    }
  }

  private AttentionRule rule(ModelConfig.Layer layer, CpuWeights.Attention own) {
    Scores scores = config.attention().scores();
    return new AttentionRule(
        config.heads(),
        config.kvHeads(),
        config.headSize(),
        scores.scale(),
        layer.window(),
        scores.softcap(),
        own.sinks());
  }
}
