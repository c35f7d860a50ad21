package dev.s3llm.cpu;

import dev.s3llm.cpu.CpuSpeechWeights.Attention;
import dev.s3llm.cpu.CpuSpeechWeights.Decoder;
import dev.s3llm.cpu.CpuSpeechWeights.DecoderLayer;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.RotaryEmbedding;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.SpeechConfig;
import java.util.Arrays;
import java.util.List;

/**
 * The decoder of a speech model, over canvases in masked or in causal mode. Keys and values of the
 * frames and of the canvases lie in the KV blocks.
 */
final class CpuSpeechDecoder {
  private final SpeechConfig config;
  private final Decoder weights;
  private final CpuKernels kernels;
  private final RotaryEmbedding rope;
  private final AttentionRule rule;
  private final Sinusoids sinusoids;

  /**
   * Creates a decoder.
   *
   * @param config shape of the model
   * @param weights weights of the decoder
   * @param kernels kernels with the cache of the KV blocks
   */
  CpuSpeechDecoder(SpeechConfig config, Decoder weights, CpuKernels kernels) {
    this.config = config;
    this.weights = weights;
    this.kernels = kernels;
    this.rope = RotaryEmbedding.of(config.headSize(), config.ropeTheta());
    this.rule = SpeechRows.rule(config);
    this.sinusoids = new Sinusoids(config.hiddenSize(), config.sinusoidBase());
  }

  /**
   * Adds the sinusoid of each frame's index.
   *
   * @param encoded {@code [frame][hidden]}; becomes the memory
   * @param index number of characters begun at the frames up to each one
   */
  void addIndex(float[] encoded, int... index) {
    for (int t = 0; t < index.length; t++) {
      sinusoids.add(index[t], encoded, t * config.hiddenSize());
    }
  }

  /**
   * Writes the keys and values of a recording's frames to its first KV slots.
   *
   * @param sequence the sequence
   * @param memory {@code [frame][hidden]}
   */
  void store(SequenceStep sequence, float[] memory) {
    int frames = memory.length / config.hiddenSize();
    BatchLayout batch = new BatchLayout(frames, BatchLayout.blocks(sequence));
    Arrays.setAll(batch.positions, t -> t);
    float[] keys = new float[memory.length];
    float[] values = new float[memory.length];
    for (int l = 0; l < weights.layers().size(); l++) {
      Attention part = weights.layers().get(l).cross();
      kernels.multiply(part.key(), memory, frames, keys);
      kernels.multiply(part.value(), memory, frames, values);
      kernels.store(l, batch, keys, values);
    }
  }

  /** Returns the logits of all rows, {@code [row][vocabulary]}, one canvas after another. */
  float[] decode(List<CanvasPass> passes) {
    CanvasRows layout = new CanvasRows(passes);
    SpeechRows rows = new SpeechRows(config, kernels, embed(layout));
    for (int l = 0; l < weights.layers().size(); l++) {
      layer(l, weights.layers().get(l), layout, rows);
    }
    int count = layout.batch.rows;
    float[] logits = new float[Math.multiplyExact(count, config.vocabularySize())];
    kernels.multiply(weights.head(), rows.norm(weights.norm()), count, logits);
    return logits;
  }

  private float[] embed(CanvasRows layout) {
    int hidden = config.hiddenSize();
    float[] stream = new float[Math.multiplyExact(layout.batch.rows, hidden)];
    for (int r = 0; r < layout.batch.rows; r++) {
      int at = r * hidden;
      System.arraycopy(weights.embedding(), layout.batch.tokens[r] * hidden, stream, at, hidden);
      sinusoids.add(layout.places[r] + 1, stream, at);
      int mode = layout.causal[r] ? hidden : 0;
      for (int i = 0; i < hidden; i++) {
        stream[at + i] += weights.modes()[mode + i];
      }
    }
    return stream;
  }

  private void layer(int number, DecoderLayer layer, CanvasRows layout, SpeechRows rows) {
    BatchLayout batch = layout.batch;
    rows.project(layer.self());
    kernels.rotate(rows.queries, layout.places, batch.rows, config.heads(), rope);
    kernels.rotate(rows.keys, layout.places, batch.rows, config.heads(), rope);
    kernels.store(number, batch, rows.keys, rows.values);
    kernels.attend(number, batch, layout.canvas, rows.queries, rule, rows.mixed);
    rows.addMixed(layer.self().output());
    rows.projectQueries(layer.cross());
    kernels.attend(number, batch, layout.frames, rows.queries, rule, rows.mixed);
    rows.addMixed(layer.cross().output());
    rows.feedForward(layer.feedForward());
  }
}
