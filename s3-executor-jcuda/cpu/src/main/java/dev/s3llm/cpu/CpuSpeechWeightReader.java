package dev.s3llm.cpu;

import dev.s3llm.cpu.CpuSpeechWeights.Attention;
import dev.s3llm.cpu.CpuSpeechWeights.Convolution;
import dev.s3llm.cpu.CpuSpeechWeights.Decoder;
import dev.s3llm.cpu.CpuSpeechWeights.DecoderLayer;
import dev.s3llm.cpu.CpuSpeechWeights.EncoderLayer;
import dev.s3llm.cpu.CpuSpeechWeights.FeedForward;
import dev.s3llm.cpu.CpuSpeechWeights.Norm;
import dev.s3llm.cpu.CpuSpeechWeights.Subsampling;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.SpeechConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Reads the weights of a speech model, and refuses a source with tensors that nothing reads. */
final class CpuSpeechWeightReader {
  private final SpeechConfig config;
  private final TensorSource source;
  private final Set<String> read = new HashSet<>();
  private final int hidden;

  private CpuSpeechWeightReader(SpeechConfig config, TensorSource source) {
    this.config = config;
    this.source = source;
    this.hidden = config.hiddenSize();
  }

  /**
   * Reads all weights.
   *
   * @param config shape of the model
   * @param source tensors of the model; stays open
   * @throws ModelFormatException naming a tensor that is missing, has another shape, or is there
   *     although nothing reads it
   */
  static CpuSpeechWeights read(SpeechConfig config, TensorSource source) {
    CpuSpeechWeightReader reader = new CpuSpeechWeightReader(config, source);
    CpuSpeechWeights weights = reader.all();
    reader.refuseUnread();
    return weights;
  }

  private CpuSpeechWeights all() {
    List<EncoderLayer> encoder = new ArrayList<>();
    for (int i = 0; i < config.encoderLayers(); i++) {
      String layer = "encoder.layers." + i + ".";
      encoder.add(
          new EncoderLayer(
              attention(layer + "attention."),
              convolution(layer + "convolution."),
              feedForward(layer + "feed_forward.")));
    }
    return new CpuSpeechWeights(
        subsampling(),
        List.copyOf(encoder),
        norm("encoder.norm"),
        matrix("ctc.head", config.vocabularySize(), hidden, true),
        decoder());
  }

  private Subsampling subsampling() {
    int channels = config.subsamplingChannels();
    int bands = CpuSpeechWeights.halved(CpuSpeechWeights.halved(config.melBands()));
    int width = channels * bands;
    String name = "subsampling.projection";
    Tensor stored = tensor(name + ".weight", hidden, width);
    float[] swapped = StridedConvolution.channelsLast(stored.floats(), hidden, channels, bands);
    return new Subsampling(
        strided("subsampling.conv1", 1),
        strided("subsampling.conv2", channels),
        CpuMatrix.of(floats(stored.label(), swapped), hidden, width, vector(name + ".bias")));
  }

  /**
   * The patches of a convolution are {@code [3][3][channel]}, its weights are {@code [channel]}.
   */
  private StridedConvolution strided(String name, int in) {
    int out = config.subsamplingChannels();
    Tensor stored = tensor(name + ".weight", out, in, 3, 3);
    float[] swapped = StridedConvolution.channelsLast(stored.floats(), out, in, 9);
    float[] bias = tensor(name + ".bias", out).floats();
    return new StridedConvolution(
        CpuMatrix.of(floats(stored.label(), swapped), out, 9 * in, bias), in);
  }

  private Convolution convolution(String name) {
    int kernel = config.depthwiseKernel();
    float[] depthwise = tensor(name + "depthwise.weight", hidden, 1, kernel).floats();
    return new Convolution(
        norm(name + "norm"),
        matrix(name + "expand", 2 * hidden, hidden, false),
        DepthwiseConvolution.of(depthwise, vector(name + "depthwise.bias"), kernel),
        norm(name + "depthwise_norm"),
        matrix(name + "output", hidden, hidden, false));
  }

  private Decoder decoder() {
    List<DecoderLayer> layers = new ArrayList<>();
    for (int i = 0; i < config.decoderLayers(); i++) {
      String layer = "decoder.layers." + i + ".";
      layers.add(
          new DecoderLayer(
              attention(layer + "self_attention."),
              attention(layer + "cross_attention."),
              feedForward(layer + "feed_forward.")));
    }
    int vocabulary = config.vocabularySize();
    return new Decoder(
        tensor("decoder.embedding", vocabulary, hidden).floats(),
        tensor("decoder.mode", 2, hidden).floats(),
        List.copyOf(layers),
        norm("decoder.norm"),
        matrix("decoder.head", vocabulary, hidden, true));
  }

  private Attention attention(String name) {
    return new Attention(
        norm(name + "norm"),
        matrix(name + "query", hidden, hidden, false),
        matrix(name + "key", hidden, hidden, false),
        matrix(name + "value", hidden, hidden, false),
        matrix(name + "output", hidden, hidden, false));
  }

  private FeedForward feedForward(String name) {
    int inner = config.intermediateSize();
    return new FeedForward(
        norm(name + "norm"),
        matrix(name + "up", inner, hidden, false),
        matrix(name + "down", hidden, inner, false));
  }

  private Norm norm(String name) {
    return new Norm(vector(name + ".weight"), vector(name + ".bias"));
  }

  private CpuMatrix matrix(String name, int out, int in, boolean biased) {
    float @Nullable [] bias = biased ? tensor(name + ".bias", out).floats() : null;
    return CpuMatrix.of(tensor(name + ".weight", out, in).widened(), out, in, bias);
  }

  private float[] vector(String name) {
    return tensor(name, hidden).floats();
  }

  private Tensor tensor(String name, long... shape) {
    read.add(name);
    return source.tensor(name, shape);
  }

  private static Tensor floats(String label, float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return new Tensor(
        label,
        ElementType.F32,
        values.length,
        (first, count) ->
            bytes
                .slice((int) first * Float.BYTES, count * Float.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN));
  }

  private void refuseUnread() {
    Set<String> unread = new TreeSet<>(source.names());
    unread.removeAll(read);
    if (!unread.isEmpty()) {
      throw new ModelFormatException(
          "the weights have %d tensors that the configuration does not name, such as %s: do config.json and the weights belong together?"
              .formatted(unread.size(), unread.iterator().next()));
    }
  }
}
