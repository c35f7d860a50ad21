package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechInput;
import dev.s3llm.testkit.HandDrivenSequence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.IntStream;

/** Shapes, weights and sequences for tests of the speech kernels. */
public final class SpeechModels {
  private SpeechModels() {}

  /** Returns a shape that the kernels support. */
  public static SpeechConfig config(int encoderLayers, int decoderLayers, int hidden) {
    return new SpeechConfig(
        hidden,
        4,
        32,
        512,
        encoderLayers,
        decoderLayers,
        64,
        32,
        15,
        1e-5f,
        10_000,
        10_000,
        30,
        0,
        1,
        2,
        3,
        300,
        8,
        4);
  }

  /** Returns a recording of silence. */
  public static SpeechInput silence(int featureFrames) {
    return input(new float[64 * featureFrames]);
  }

  /** Returns a recording. */
  public static SpeechInput input(float[] features) {
    return new SpeechInput(features, features.length / 64, Decoding.of(Strategy.EASY_FIRST, 3));
  }

  /** Returns a sequence with blocks in falling order. */
  public static SequenceStep sequence(long id, SpeechInput input, int firstBlock, int count) {
    int[] blocks = IntStream.range(0, count).map(b -> firstBlock + count - 1 - b).toArray();
    int[] prompt = new int[input.slots()];
    return new HandDrivenSequence(id, prompt, SamplingParameters.GREEDY, blocks).with(input);
  }

  /**
   * A source of tensors whose element i is i modulo 2,048, exact in fp16, plus a place for each
   * name that begins at the hash of the name.
   */
  static final class Counting implements TensorSource {
    @Override
    public boolean contains(String name) {
      return true;
    }

    @Override
    public Set<String> names() {
      return Set.of();
    }

    @Override
    public Tensor tensor(String name, long... shape) {
      long elements = Arrays.stream(shape).reduce(1, Math::multiplyExact);
      return new Tensor(
          name, ElementType.F32, elements, (first, count) -> bytes(name, first, count));
    }

    private static ByteBuffer bytes(String name, long first, int count) {
      ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < count; i++) {
        bytes.putFloat(Float.BYTES * i, element(name, first + i));
      }
      return bytes;
    }

    static float element(String name, long index) {
      return (index + (name.hashCode() & 0xFFFF)) % 2039;
    }

    @Override
    public void close() {}
  }
}
