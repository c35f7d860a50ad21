package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.model.speech.SpeechConfig;

/**
 * Where the structs of {@code src/main/cuda/speech.cuh} begin in the image of the weights, in
 * bytes. Structs of layers follow one another.
 *
 * @param encoderLayers layers of the encoder
 * @param decoderLayers layers of the decoder
 */
record SpeechPlaces(int encoderLayers, int decoderLayers) {
  /** Sizes of the structs, which {@code speech.cuh} asserts. */
  static final int CONSTANTS_BYTES = 336;

  static final int FRONT_BYTES = 151_424;
  static final int ENCODER_LAYER_BYTES = 503_808;
  static final int DECODER_LAYER_BYTES = 527_360;
  static final int EMBEDDING_BYTES = 17_408;
  static final int HEAD_BYTES = 9_344;

  /** Returns the places for a model. */
  static SpeechPlaces of(SpeechConfig config) {
    return new SpeechPlaces(config.encoderLayers(), config.decoderLayers());
  }

  long constants() {
    return 0;
  }

  long front() {
    return CONSTANTS_BYTES;
  }

  long encoderLayer(int layer) {
    return front() + FRONT_BYTES + (long) layer * ENCODER_LAYER_BYTES;
  }

  long encoderEnd() {
    return encoderLayer(encoderLayers);
  }

  long embedding() {
    return encoderEnd() + HEAD_BYTES;
  }

  long decoderLayer(int layer) {
    return embedding() + EMBEDDING_BYTES + (long) layer * DECODER_LAYER_BYTES;
  }

  long decoderEnd() {
    return decoderLayer(decoderLayers);
  }

  /** Returns the size of the image. */
  long bytes() {
    return decoderEnd() + HEAD_BYTES;
  }
}
