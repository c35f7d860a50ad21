package dev.s3llm.cpu;

import dev.s3llm.cpu.CpuSpeechWeights.Convolution;
import dev.s3llm.cpu.CpuSpeechWeights.EncoderLayer;
import dev.s3llm.cpu.CpuSpeechWeights.Norm;
import dev.s3llm.cpu.CpuSpeechWeights.Subsampling;
import dev.s3llm.model.RotaryEmbedding;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechInput;
import java.util.Arrays;

/**
 * The encoder of a speech model and its CTC branch, over one recording at a time. The keys and
 * values of its attention lie in blocks of its own, which last as long as a call.
 */
final class CpuSpeechEncoder {
  /** Slots of a block of keys and values. */
  private static final int BLOCK = 64;

  private final SpeechConfig config;
  private final CpuSpeechWeights weights;
  private final CpuKernels kernels;
  private final WorkerPool workers;
  private final RotaryEmbedding rope;
  private final AttentionRule rule;

  /**
   * Creates an encoder.
   *
   * @param config shape of the model
   * @param weights weights of the model
   * @param kernels kernels, whose cache the encoder does not use
   * @param workers the threads of the kernels
   */
  CpuSpeechEncoder(
      SpeechConfig config, CpuSpeechWeights weights, CpuKernels kernels, WorkerPool workers) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    this.workers = workers;
    this.rope = RotaryEmbedding.of(config.headSize(), config.ropeTheta());
    this.rule = SpeechRows.rule(config);
  }

  /** Returns the encoded frames of a recording, {@code [frame][hidden]}. */
  float[] encode(SpeechInput input) {
    SpeechRows rows = new SpeechRows(config, kernels, subsample(input));
    Pass pass = new Pass(input.slots());
    for (EncoderLayer layer : weights.encoder()) {
      pass.layer(layer, rows);
    }
    return rows.norm(weights.encoderNorm());
  }

  /** Returns the frames before the first layer, {@code [frame][hidden]}. */
  float[] subsample(SpeechInput input) {
    Subsampling part = weights.subsampling();
    int bands = config.melBands();
    int half = CpuSpeechWeights.halved(bands);
    float[] first = part.first().apply(kernels, input.features(), input.frames(), bands);
    float[] second = part.second().apply(kernels, first, (input.frames() + 1) / 2, half);
    float[] stream = new float[Math.multiplyExact(input.slots(), config.hiddenSize())];
    kernels.multiply(part.projection(), second, input.slots(), stream);
    return stream;
  }

  /** Returns the logits of the CTC branch, {@code [frame][vocabulary]}. */
  float[] ctcLogits(float[] encoded) {
    int frames = encoded.length / config.hiddenSize();
    float[] logits = new float[Math.multiplyExact(frames, config.vocabularySize())];
    kernels.multiply(weights.ctc(), encoded, frames, logits);
    return logits;
  }

  /** A pass over one recording, with the keys and values of a layer at a time. */
  final class Pass {
    private final int frames;
    private final CpuKernels own;
    private final BatchLayout batch;
    private final SeenSlots all;

    Pass(int frames) {
      this.frames = frames;
      int[] blocks = new int[(frames + BLOCK - 1) / BLOCK];
      Arrays.setAll(blocks, block -> block);
      CpuKvCache cache =
          new FloatKvCache(1, config.heads(), config.headSize(), BLOCK, blocks.length, 0);
      own = new CpuKernels(cache, workers);
      batch = new BatchLayout(frames, blocks);
      Arrays.setAll(batch.positions, t -> t);
      int[] to = new int[frames];
      Arrays.fill(to, frames);
      all = new SeenSlots(new int[frames], to);
    }

    /** Runs one layer. */
    void layer(EncoderLayer layer, SpeechRows rows) {
      attention(layer.attention(), rows);
      convolution(layer.convolution(), rows);
      rows.feedForward(layer.feedForward());
    }

    private void attention(CpuSpeechWeights.Attention part, SpeechRows rows) {
      rows.project(part);
      kernels.rotate(rows.queries, batch.positions, frames, config.heads(), rope);
      kernels.rotate(rows.keys, batch.positions, frames, config.heads(), rope);
      own.store(0, batch, rows.keys, rows.values);
      own.attend(0, batch, all, rows.queries, rule, rows.mixed);
      rows.addMixed(part.output());
    }

    private void convolution(Convolution part, SpeechRows rows) {
      int hidden = config.hiddenSize();
      float[] expanded = new float[2 * rows.stream.length];
      float[] gated = rows.queries; // free between two attentions
      kernels.multiply(part.expand(), rows.norm(part.norm()), frames, expanded);
      kernels.glu(expanded, frames, hidden, gated);
      workers.forEach(
          frames, frames > 1, (thread, t) -> part.depthwise().row(gated, frames, t, rows.mixed));
      Norm norm = part.depthwiseNorm();
      kernels.layerNorm(
          rows.mixed, norm.scale(), norm.bias(), config.normEpsilon(), frames, rows.mixed);
      kernels.silu(rows.mixed, rows.mixed.length);
      rows.addMixed(part.output());
    }
  }
}
