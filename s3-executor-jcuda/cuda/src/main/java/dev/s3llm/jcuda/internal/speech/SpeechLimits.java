package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.model.speech.SpeechConfig;

/** What the speech kernels are made for; the constants of {@code src/main/cuda/speech.cuh}. */
public final class SpeechLimits {
  static final int WIDTH = 128;
  static final int HEADS = 4;
  static final int HEAD_SIZE = 32;
  static final int INNER = 512;
  static final int MEL_BANDS = 64;
  static final int CHANNELS = 32;
  static final int TAPS = 15;

  /** Rows of the embedding and of both heads, of which the last ones may be padding. */
  static final int MOST_IDS = 32;

  /** Rows of a block, and slots of a KV block. */
  public static final int ROWS = 16;

  private SpeechLimits() {}

  /**
   * Refuses a model whose shape the kernels do not support.
   *
   * @param config shape of the model
   * @throws IllegalArgumentException naming what is not supported, and what is
   */
  public static void check(SpeechConfig config) {
    require("hidden_size", config.hiddenSize(), WIDTH);
    require("num_attention_heads", config.heads(), HEADS);
    require("head_dim", config.headSize(), HEAD_SIZE);
    require("intermediate_size", config.intermediateSize(), INNER);
    require("num_mel_bands", config.melBands(), MEL_BANDS);
    require("subsampling_channels", config.subsamplingChannels(), CHANNELS);
    require("depthwise_kernel", config.depthwiseKernel(), TAPS);
    if (config.vocabularySize() > MOST_IDS) {
      throw new IllegalArgumentException(
          "vocab_size is %d, but the speech kernels have at most %d ids; run the model on the CPU"
              .formatted(config.vocabularySize(), MOST_IDS));
    }
    if (config.encoderLayers() < 1 || config.decoderLayers() < 1) {
      throw new IllegalArgumentException(
          "encoder_layers is %d and decoder_layers %d, but both must be at least 1"
              .formatted(config.encoderLayers(), config.decoderLayers()));
    }
  }

  private static void require(String name, int value, int supported) {
    if (value != supported) {
      throw new IllegalArgumentException(
          "%s is %d, but the speech kernels are made for %d; run the model on the CPU"
              .formatted(name, value, supported));
    }
  }
}
