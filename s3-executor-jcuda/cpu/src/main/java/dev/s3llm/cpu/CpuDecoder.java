package dev.s3llm.cpu;

import dev.s3llm.cpu.CpuWeights.Norm;
import dev.s3llm.cpu.ShardPass.HeadSquares;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.NormPlacement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a decoder over a ragged batch on the CPU: whatever operations a {@link
 * ModelConfig} names, in fp32. The reference for the kernels of other devices.
 *
 * <p>The shards of a model compute their shares one after another, each on all threads. Their
 * results are added in the order of the shards, so that a row's result is the same in any batch.
 * Norms and the residual stream, which every device of a group would have, are computed once.
 */
final class CpuDecoder {
  private final ModelConfig config;
  private final List<CpuShard> shards;
  private final List<CpuKernels> shardKernels = new ArrayList<>();

  /** Kernels for what is no shard's own. */
  private final CpuKernels kernels;

  /** The number of layers after which the residual stream is the feature of a row; 0 for none. */
  private final int featureLayer;

  /**
   * Creates a decoder.
   *
   * @param shards the parts of a model, all of them
   * @param caches keys and values of each part
   * @param featureLayer number of layers after which the stream is a feature; 0 for none
   */
  CpuDecoder(List<CpuShard> shards, List<CpuKvCache> caches, WorkerPool workers, int featureLayer) {
    this.config = shards.get(0).shard().model();
    this.shards = shards;
    caches.forEach(cache -> shardKernels.add(new CpuKernels(cache, workers)));
    this.kernels = shardKernels.get(0);
    this.featureLayer = featureLayer;
  }

  /** Runs the batch and returns the logits of each sampled row, {@code [sampled][vocabulary]}. */
  float[] forward(BatchLayout batch) {
    return forward(batch, new float[0]);
  }

  /**
   * Runs the batch and returns the logits of each sampled row.
   *
   * @param features receives the features of each row that has some, {@code [row][hidden]}
   * @throws IllegalStateException if one of several shards fails; names it
   */
  float[] forward(BatchLayout batch, float[] features) {
    return logits(batch, new Pass(batch).run(features));
  }

  /** Computes logits for the sampled rows alone: no other row needs the last norm. */
  private float[] logits(BatchLayout batch, float[] stream) {
    int sampled = batch.sampledRows.length;
    float[] last = new float[sampled * config.hiddenSize()];
    copyRows(stream, batch.sampledRows, last);
    float[] normed = new float[last.length];
    norm(last, shards.get(0).weights().finalNorm(), sampled, normed);
    float[] logits = new float[Math.multiplyExact(sampled, config.vocabularySize())];
    if (shards.size() == 1) {
      kernels.multiply(shards.get(0).weights().output(), normed, sampled, logits);
    } else {
      shards.forEach(shard -> gather(shard, normed, sampled, logits));
    }
    scaleLogits(logits);
    return logits;
  }

  /** Computes a shard's columns of the logits. */
  private void gather(CpuShard shard, float[] normed, int rows, float[] logits) {
    int own = shard.config().vocabularySize();
    float[] columns = new float[rows * own];
    kernels.multiply(shard.weights().output(), normed, rows, columns);
    for (int row = 0; row < rows; row++) {
      int to = row * config.vocabularySize() + shard.shard().firstToken();
      System.arraycopy(columns, row * own, logits, to, own);
    }
  }

  private void copyRows(float[] stream, int[] rows, float[] to) {
    int hidden = config.hiddenSize();
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(stream, rows[i] * hidden, to, i * hidden, hidden);
    }
  }

  private void scaleLogits(float[] logits) {
    scale(logits, config.scales().logits());
    float cap = config.scales().logitSoftcap();
    if (cap > 0) {
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (float) (cap * Math.tanh(logits[i] / cap));
      }
    }
  }

  private static void scale(float[] values, float factor) {
    if (factor != 1) {
      for (int i = 0; i < values.length; i++) {
        values[i] *= factor;
      }
    }
  }

  private void norm(float[] in, Norm norm, int rows, float[] out) {
    kernels.norm(in, norm, config.normEpsilon(), rows, out);
  }

  /** One pass of a batch over all layers, with its buffers. */
  private final class Pass {
    private final BatchLayout batch;
    private final int rows;
    private final List<ShardPass> passes = new ArrayList<>();

    /** Residual stream, {@code [row][hidden]}. */
    private final float[] stream;

    private final float[] normed;

    /** Result of a part of a layer, to be added to the stream. */
    private final float[] change;

    /** What a shard after the first has of the result. */
    private final float[] share;

    private final HeadSquares squares;

    Pass(BatchLayout batch) {
      this.batch = batch;
      this.rows = batch.rows;
      stream = new float[rows * config.hiddenSize()];
      normed = new float[stream.length];
      change = new float[stream.length];
      share = new float[shards.size() == 1 ? 0 : stream.length];
      squares = new HeadSquares(new double[rows], new double[rows]);
      for (int s = 0; s < shards.size(); s++) {
        passes.add(new ShardPass(shards.get(s), shardKernels.get(s), batch));
      }
    }

    float[] run(float[] features) {
      for (int r = 0; r < rows; r++) {
        embed(batch.tokens[r], r * config.hiddenSize());
      }
      scale(stream, config.scales().embedding());
      for (int i = 0; i < config.layerCount(); i++) {
        layer(i, shards.get(0).weights().layers().get(i).norms());
        if (i + 1 == featureLayer && features.length > 0) {
          copyRows(stream, batch.featureRows, features);
        }
      }
      return stream;
    }

    private void embed(int token, int at) {
      for (CpuShard shard : shards) {
        if (shard.has(token)) {
          shard.weights().embedding().row(token - shard.shard().firstToken(), stream, at);
        }
      }
    }

    private void layer(int number, CpuWeights.Norms norms) {
      float[] attended = before(norms.beforeAttention());
      squares.clear();
      each((pass, s) -> pass.project(number, attended, squares));
      sum((pass, out) -> pass.attention(number, squares, out));
      add(norms.afterAttention());
      float[] in = // parts that run side by side read the same normed rows
          config.norms().placement() == NormPlacement.SHARED
              ? normed
              : before(norms.beforeFeedForward());
      sum((pass, out) -> pass.feedForward(number, in, out));
      add(norms.afterFeedForward());
    }

    private float[] before(@Nullable Norm norm) {
      if (norm == null) {
        return stream;
      }
      norm(stream, norm, rows, normed);
      return normed;
    }

    /** Adds the shares of all shards, in their order. */
    private void sum(Share of) {
      each(
          (pass, s) -> {
            of.compute(pass, s == 0 ? change : share);
            if (s > 0) {
              kernels.add(change, share, change.length);
            }
          });
    }

    /** Does something for each shard, in their order. */
    private void each(ObjIntConsumer<ShardPass> work) {
      for (int s = 0; s < passes.size(); s++) {
        try {
          work.accept(passes.get(s), s);
        } catch (RuntimeException e) {
          throw shards.size() == 1
              ? e
              : new IllegalStateException("shard %d of %d failed".formatted(s, shards.size()), e);
        }
      }
    }

    /** Adds a part's result to the stream. */
    private void add(@Nullable Norm norm) {
      if (norm != null) {
        norm(change, norm, rows, change);
      }
      scale(change, config.scales().residual());
      kernels.add(stream, change, stream.length);
    }
  }

  /** A shard's share of a part of a layer. */
  @FunctionalInterface
  private interface Share {
    void compute(ShardPass pass, float[] out);
  }
}
