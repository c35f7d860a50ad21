package dev.s3llm.cpu;

import dev.s3llm.cpu.CpuWeights.Norm;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelConfig.NormPlacement;
import dev.s3llm.model.ModelConfig.QueryKeyNorm;
import dev.s3llm.model.ModelConfig.Scores;
import dev.s3llm.model.RotaryEmbedding;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of a decoder over a ragged batch on the CPU: whatever operations a {@link
 * ModelConfig} names, in fp32. The reference for the kernels of other devices.
 */
final class CpuDecoder {
  private final ModelConfig config;
  private final CpuWeights weights;
  private final CpuKernels kernels;

  /** The number of layers after which the residual stream is the feature of a row; 0 for none. */
  private final int featureLayer;

  CpuDecoder(ModelConfig config, CpuWeights weights, CpuKernels kernels) {
    this(config, weights, kernels, 0);
  }

  CpuDecoder(ModelConfig config, CpuWeights weights, CpuKernels kernels, int featureLayer) {
    this.featureLayer = featureLayer;
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
  }

  /** Runs the batch and returns the logits of each sampled row, {@code [sampled][vocabulary]}. */
  float[] forward(BatchLayout batch) {
    return forward(batch, new float[0]);
  }

  /**
   * Runs the batch and returns the logits of each sampled row.
   *
   * @param features receives the features of each row that has some, {@code [row][hidden]}
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
    norm(last, weights.finalNorm(), sampled, normed);
    float[] logits = new float[Math.multiplyExact(sampled, config.vocabularySize())];
    kernels.multiply(weights.output(), normed, sampled, logits);
    scaleLogits(logits);
    return logits;
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
    float[] bias = norm.bias();
    if (bias == null) {
      kernels.rmsNorm(in, norm.scale(), config.normEpsilon(), rows, out);
    } else {
      kernels.layerNorm(in, norm.scale(), bias, config.normEpsilon(), rows, out);
    }
  }

  /** One pass of a batch over all layers, with its buffers. */
  private final class Pass {
    private final BatchLayout batch;
    private final int rows;

    /** Residual stream, {@code [row][hidden]}. */
    private final float[] stream;

    private final float[] normed;
    private final float[] queries;
    private final float[] keys;
    private final float[] values;
    private final float[] attended;

    /** Result of a part of a layer, to be added to the stream. */
    private final float[] change;

    private final FeedForwardPart feedForward = new FeedForwardPart(kernels);

    Pass(BatchLayout batch) {
      this.batch = batch;
      this.rows = batch.rows;
      stream = new float[rows * config.hiddenSize()];
      normed = new float[rows * config.hiddenSize()];
      queries = new float[rows * config.querySize()];
      keys = new float[rows * config.kvSize()];
      values = new float[rows * config.kvSize()];
      attended = new float[rows * config.querySize()];
      change = new float[rows * config.hiddenSize()];
    }

    float[] run(float[] features) {
      int hidden = config.hiddenSize();
      for (int r = 0; r < rows; r++) {
        weights.embedding().row(batch.tokens[r], stream, r * hidden);
      }
      scale(stream, config.scales().embedding());
      for (int i = 0; i < config.layerCount(); i++) {
        layer(i, config.layers().get(i), weights.layers().get(i));
        if (i + 1 == featureLayer && features.length > 0) {
          copyRows(stream, batch.featureRows, features);
        }
      }
      return stream;
    }

    private void layer(int number, ModelConfig.Layer layer, CpuWeights.Layer own) {
      attention(number, layer, own.attention(), before(own.norms().beforeAttention()));
      add(own.norms().afterAttention());
      float[] in = // parts that run side by side read the same normed rows
          config.norms().placement() == NormPlacement.SHARED
              ? normed
              : before(own.norms().beforeFeedForward());
      feedForward.run(layer.feedForward(), own.feedForward(), in, rows, change);
      add(own.norms().afterFeedForward());
    }

    private float[] before(@Nullable Norm norm) {
      if (norm == null) {
        return stream;
      }
      norm(stream, norm, rows, normed);
      return normed;
    }

    /** Adds a part's result to the stream. */
    private void add(@Nullable Norm norm) {
      if (norm != null) {
        norm(change, norm, rows, change);
      }
      scale(change, config.scales().residual());
      kernels.add(stream, change, stream.length);
    }

    private void attention(
        int number, ModelConfig.Layer layer, CpuWeights.Attention own, float[] in) {
      kernels.multiply(own.query(), in, rows, queries);
      kernels.multiply(own.key(), in, rows, keys);
      kernels.multiply(own.value(), in, rows, values);
      normHeads(queries, own.queryNorm(), config.heads());
      normHeads(keys, own.keyNorm(), config.kvHeads());
      RotaryEmbedding rope = layer.rope();
      if (rope != null) {
        kernels.rotate(queries, batch.positions, rows, config.heads(), rope);
        kernels.rotate(keys, batch.positions, rows, config.kvHeads(), rope);
      }
      kernels.store(number, batch, keys, values);
      kernels.attend(number, batch, queries, rule(layer, own), attended);
      kernels.multiply(own.output(), attended, rows, change);
    }

    private void normHeads(float[] heads, @Nullable Norm norm, int count) {
      if (norm != null) {
        boolean whole = config.attention().queryKeyNorm() == QueryKeyNorm.WHOLE;
        norm(heads, norm, whole ? rows : rows * count, heads);
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
}
