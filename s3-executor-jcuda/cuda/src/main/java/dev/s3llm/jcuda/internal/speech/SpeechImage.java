package dev.s3llm.jcuda.internal.speech;

import static dev.s3llm.jcuda.internal.speech.SpeechLimits.CHANNELS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.HEADS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.HEAD_SIZE;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.INNER;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.MEL_BANDS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.MOST_IDS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.TAPS;
import static dev.s3llm.jcuda.internal.speech.SpeechLimits.WIDTH;

import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.SpeechConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The weights of a speech model as the kernels read them: the structs of {@code
 * src/main/cuda/speech.cuh}, one after another.
 */
final class SpeechImage {
  private static final int FLAT = CHANNELS * MEL_BANDS / 4;
  private static final int PIECE = 32;

  private final SpeechConfig config;
  private final SpeechTensors tensors;
  private final ByteBuffer bytes;

  private SpeechImage(SpeechConfig config, TensorSource source) {
    this.config = config;
    this.tensors = new SpeechTensors(source);
    int size = Math.toIntExact(SpeechPlaces.of(config).bytes());
    this.bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads all weights.
   *
   * @param config shape of the model, which {@link SpeechLimits} allows
   * @param source tensors of the model; stays open
   * @return the image, from position 0 to its limit
   * @throws ModelFormatException if a tensor is missing, has another shape, exceeds fp16, or is
   *     there although nothing reads it
   */
  static ByteBuffer of(SpeechConfig config, TensorSource source) {
    SpeechImage image = new SpeechImage(config, source);
    image.write(SpeechPlaces.of(config));
    image.tensors.refuseUnread();
    return image.bytes.flip();
  }

  private void write(SpeechPlaces places) {
    at(places.constants()).constants();
    at(places.front()).front();
    for (int i = 0; i < config.encoderLayers(); i++) {
      at(places.encoderLayer(i)).encoderLayer("encoder.layers." + i + ".");
    }
    at(places.encoderEnd()).head("encoder.norm", "ctc.head");
    at(places.embedding()).embedding();
    for (int i = 0; i < config.decoderLayers(); i++) {
      at(places.decoderLayer(i)).decoderLayer("decoder.layers." + i + ".");
    }
    at(places.decoderEnd()).head("decoder.norm", "decoder.head");
    at(places.bytes());
  }

  /** Checks that the next struct begins where the kernels expect it. */
  private SpeechImage at(long place) {
    if (bytes.position() != place) {
      throw new IllegalStateException(
          "a part of the weights begins at byte %d instead of %d"
              .formatted(bytes.position(), place));
    }
    return this;
  }

  private void constants() {
    for (int i = 0; i < WIDTH / 2; i++) {
      bytes.putFloat((float) Math.pow(config.sinusoidBase(), -i / (WIDTH / 2.0)));
    }
    for (int i = 0; i < HEAD_SIZE / 2; i++) {
      bytes.putFloat((float) Math.pow(config.ropeTheta(), -2.0 * i / HEAD_SIZE));
    }
    bytes.putFloat(config.normEpsilon());
    floats(new float[3]);
  }

  private void front() {
    floats(turned(tensors.read("subsampling.conv1.weight", CHANNELS, 1, 3, 3), CHANNELS, 9));
    vector("subsampling.conv1.bias", CHANNELS);
    String second = "subsampling.conv2.weight";
    float[] taps = tensors.read(second, CHANNELS, CHANNELS, 3, 3);
    float[] rows = new float[taps.length];
    int row = CHANNELS * 9;
    for (int out = 0; out < CHANNELS; out++) {
      float[] own = Arrays.copyOfRange(taps, out * row, (out + 1) * row);
      System.arraycopy(turned(own, CHANNELS, 9), 0, rows, out * row, row);
    }
    matrix(second, rows, row);
    vector("subsampling.conv2.bias", CHANNELS);
    matrix("subsampling.projection", WIDTH, FLAT);
    vector("subsampling.projection.bias", WIDTH);
  }

  private void encoderLayer(String name) {
    selfAttention(name + "attention.");
    String own = name + "convolution.";
    norm(own + "norm");
    matrix(own + "expand", 2 * WIDTH, WIDTH);
    floats(turned(tensors.read(own + "depthwise.weight", WIDTH, 1, TAPS), WIDTH, TAPS));
    vector(own + "depthwise.bias", WIDTH);
    norm(own + "depthwise_norm");
    matrix(own + "output", WIDTH, WIDTH);
    feedForward(name + "feed_forward.");
  }

  private void decoderLayer(String name) {
    selfAttention(name + "self_attention.");
    String own = name + "cross_attention.";
    norm(own + "norm");
    matrix(own + "query", WIDTH, WIDTH);
    matrix(own + "key", WIDTH, WIDTH);
    matrix(own + "value", WIDTH, WIDTH);
    matrix(own + "output", WIDTH, WIDTH);
    feedForward(name + "feed_forward.");
  }

  private void selfAttention(String name) {
    norm(name + "norm");
    rotated(name + "query");
    rotated(name + "key");
    matrix(name + "value", WIDTH, WIDTH);
    matrix(name + "output", WIDTH, WIDTH);
  }

  private void feedForward(String name) {
    norm(name + "norm");
    matrix(name + "up", INNER, WIDTH);
    matrix(name + "down", WIDTH, INNER);
  }

  private void embedding() {
    int ids = config.vocabularySize();
    floats(padded(tensors.read("decoder.embedding", ids, WIDTH), WIDTH));
    floats(tensors.read("decoder.mode", 2, WIDTH));
  }

  private void head(String norm, String name) {
    norm(norm);
    int ids = config.vocabularySize();
    String weight = name + ".weight";
    matrix(weight, padded(tensors.read(weight, ids, WIDTH), WIDTH), WIDTH);
    floats(padded(tensors.read(name + ".bias", ids), 1));
  }

  private void norm(String name) {
    vector(name + ".weight", WIDTH);
    vector(name + ".bias", WIDTH);
  }

  private void vector(String name, int size) {
    floats(tensors.read(name, size));
  }

  /** Writes query or key with the two halves of each head in turns, so that pairs rotate. */
  private void rotated(String name) {
    String weight = name + ".weight";
    float[] stored = tensors.read(weight, WIDTH, WIDTH);
    float[] rows = new float[stored.length];
    int half = HEAD_SIZE / 2;
    for (int row = 0; row < HEADS * HEAD_SIZE; row++) {
      int within = row % HEAD_SIZE;
      int from = row - within + within / 2 + within % 2 * half;
      System.arraycopy(stored, from * WIDTH, rows, row * WIDTH, WIDTH);
    }
    matrix(weight, rows, WIDTH);
  }

  private void matrix(String name, int out, int in) {
    String weight = name + ".weight";
    matrix(weight, tensors.read(weight, out, in), in);
  }

  /** Writes a matrix in fp16 as {@code [out / 8][in / 32][8 rows][32 columns]}. */
  private void matrix(String label, float[] values, int in) {
    for (int tile = 0; tile < values.length; tile += 8 * in) {
      for (int column = 0; column < in; column += PIECE) {
        for (int row = 0; row < 8; row++) {
          for (int i = 0; i < PIECE; i++) {
            bytes.putShort(half(label, values[tile + row * in + column + i]));
          }
        }
      }
    }
  }

  private static short half(String label, float value) {
    short half = HalfFloats.toHalf(value);
    if (!Float.isFinite(HalfFloats.fromHalf(half))) {
      throw new ModelFormatException(
          "%s holds %s, which is too large for fp16; run the model on the CPU"
              .formatted(label, value));
    }
    return half;
  }

  private void floats(float... values) {
    for (float value : values) {
      bytes.putFloat(value);
    }
  }

  /** Returns a matrix {@code [columns][rows]} of one {@code [rows][columns]}. */
  private static float[] turned(float[] values, int rows, int columns) {
    float[] turned = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      turned[i % columns * rows + i / columns] = values[i];
    }
    return turned;
  }

  /** Returns rows for all ids that the kernels have; rows without an id are zeros. */
  private static float[] padded(float[] rows, int width) {
    return Arrays.copyOf(rows, MOST_IDS * width);
  }
}
