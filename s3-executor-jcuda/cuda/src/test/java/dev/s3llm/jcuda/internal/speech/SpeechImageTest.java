package dev.s3llm.jcuda.internal.speech;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.jcuda.internal.driver.KernelSignatures;
import dev.s3llm.jcuda.internal.speech.SpeechModels.Counting;
import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.SpeechConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Where the kernels find each weight. */
class SpeechImageTest {
  private static final SpeechConfig CONFIG = SpeechModels.config(2, 2, 128);
  private static final SpeechPlaces PLACES = SpeechPlaces.of(CONFIG);
  private static final int NORM = 2 * 128 * Float.BYTES;
  private static final int SQUARE = 128 * 128 * Short.BYTES;

  private final ByteBuffer image = SpeechImage.of(CONFIG, new Counting());

  @Test
  void structs_haveTheSizesOfTheKernels() throws IOException {
    assertThat(KernelSignatures.sizeOf("Constants")).isEqualTo(SpeechPlaces.CONSTANTS_BYTES);
    assertThat(KernelSignatures.sizeOf("Front")).isEqualTo(SpeechPlaces.FRONT_BYTES);
    assertThat(KernelSignatures.sizeOf("EncoderLayer")).isEqualTo(SpeechPlaces.ENCODER_LAYER_BYTES);
    assertThat(KernelSignatures.sizeOf("DecoderLayer")).isEqualTo(SpeechPlaces.DECODER_LAYER_BYTES);
    assertThat(KernelSignatures.sizeOf("Embedding")).isEqualTo(SpeechPlaces.EMBEDDING_BYTES);
    assertThat(KernelSignatures.sizeOf("Head")).isEqualTo(SpeechPlaces.HEAD_BYTES);
    assertThat(image.remaining()).isEqualTo((int) PLACES.bytes());
  }

  @Test
  void matrix_liesInPiecesOfEightRowsAndThirtyTwoColumns() {
    long up = PLACES.encoderLayer(1) + SpeechPlaces.ENCODER_LAYER_BYTES - 2L * 512 * 128 * 2;
    String name = "encoder.layers.1.feed_forward.up.weight";
    for (int row : new int[] {0, 7, 8, 511}) {
      for (int column : new int[] {0, 31, 32, 127}) {
        assertThat(half(up, row, column, 128)).isEqualTo(element(name, row * 128 + column));
      }
    }
    long down = PLACES.encoderLayer(2) - 512L * 128 * 2;
    assertThat(half(down, 77, 300, 512))
        .isEqualTo(element("encoder.layers.1.feed_forward.down.weight", 77 * 512 + 300));
  }

  @Test
  void queryAndKey_haveTheHalvesOfAHeadInTurnsAndValueHasNot() {
    long attention = PLACES.decoderLayer(1) + NORM;
    String name = "decoder.layers.1.self_attention.";
    for (int head = 0; head < 4; head++) {
      for (int i = 0; i < 16; i++) {
        for (int half = 0; half < 2; half++) {
          int row = 32 * head + 2 * i + half;
          int stored = 32 * head + i + 16 * half;
          assertThat(half(attention, row, 5, 128))
              .isEqualTo(element(name + "query.weight", stored * 128 + 5));
          assertThat(half(attention, 128 + row, 5, 128))
              .isEqualTo(element(name + "key.weight", stored * 128 + 5));
        }
      }
    }
    assertThat(half(attention, 256 + 9, 5, 128))
        .isEqualTo(element(name + "value.weight", 9 * 128 + 5));
  }

  @Test
  void crossAttention_keepsTheOrderOfRows() {
    long cross = PLACES.decoderLayer(0) + NORM + 4L * SQUARE + NORM;
    String name = "decoder.layers.0.cross_attention.";
    assertThat(half(cross, 3, 4, 128)).isEqualTo(element(name + "query.weight", 3 * 128 + 4));
    assertThat(half(cross + SQUARE, 3, 4, 128))
        .isEqualTo(element(name + "key.weight", 3 * 128 + 4));
    assertThat(half(cross + SQUARE, 131, 4, 128))
        .isEqualTo(element(name + "value.weight", 3 * 128 + 4));
  }

  @Test
  void convolutions_haveTheirTapsOutside() {
    long front = PLACES.front();
    assertThat(floating(front, 5 * 32 + 7))
        .isEqualTo(element("subsampling.conv1.weight", 7 * 9 + 5));
    long second = front + 10L * 32 * Float.BYTES;
    assertThat(half(second, 6, 4 * 32 + 9, 288))
        .isEqualTo(element("subsampling.conv2.weight", (6 * 32 + 9) * 9 + 4));
    long depthwise = PLACES.encoderLayer(0) + NORM + 4L * SQUARE + NORM + 2L * SQUARE;
    assertThat(floating(depthwise, 14 * 128 + 99))
        .isEqualTo(element("encoder.layers.0.convolution.depthwise.weight", 99 * 15 + 14));
  }

  @Test
  void idsBeyondTheVocabulary_areZeros() {
    assertThat(floating(PLACES.embedding(), 29 * 128 + 1))
        .isEqualTo(element("decoder.embedding", 29 * 128 + 1));
    assertThat(floating(PLACES.embedding(), 30 * 128 + 1)).isZero();
    assertThat(floating(PLACES.embedding(), 33 * 128 + 1))
        .isEqualTo(element("decoder.mode", 128 + 1));
    long head = PLACES.decoderEnd() + NORM;
    assertThat(half(head, 29, 2, 128)).isEqualTo(element("decoder.head.weight", 29 * 128 + 2));
    assertThat(half(head, 31, 2, 128)).isZero();
    assertThat(floating(head + 32 * 128 * 2, 29)).isEqualTo(element("decoder.head.bias", 29));
    assertThat(floating(head + 32 * 128 * 2, 30)).isZero();
  }

  @Test
  void numberThatExceedsFp16_isNamed() {
    TensorSource source = new Replaced("encoder.layers.1.attention.key.weight", 70_000);
    assertThatThrownBy(() -> SpeechImage.of(CONFIG, source))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("encoder.layers.1.attention.key.weight holds 70000.0");
  }

  @Test
  void tensorThatIsNotRead_isNamed() {
    assertThatThrownBy(() -> SpeechImage.of(CONFIG, new Replaced("ctc.middle", 0)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("ctc.middle");
  }

  /** Other tensors with one in place of a stored one, whose elements are all alike. */
  private static final class Replaced implements TensorSource {
    private final Counting others = new Counting();
    private final String name;
    private final float value;

    Replaced(String name, float value) {
      this.name = name;
      this.value = value;
    }

    @Override
    public boolean contains(String any) {
      return true;
    }

    @Override
    public Set<String> names() {
      return Set.of(name);
    }

    @Override
    public Tensor tensor(String any, long... shape) {
      Tensor other = others.tensor(any, shape);
      return !any.equals(name)
          ? other
          : new Tensor(
              name,
              other.type(),
              other.elements(),
              (first, count) -> {
                ByteBuffer bytes = other.slice(first, count);
                for (int i = 0; i < count; i++) {
                  bytes.putFloat(Float.BYTES * i, value);
                }
                return bytes;
              });
    }

    @Override
    public void close() {}
  }

  private float half(long matrix, int row, int column, int columns) {
    long at = ((row / 8) * (columns / 32) + column / 32) * 256L + row % 8 * 32 + column % 32;
    return HalfFloats.fromHalf(image.getShort((int) (matrix + Short.BYTES * at)));
  }

  private float floating(long from, int index) {
    return image.getFloat((int) from + Float.BYTES * index);
  }

  private static float element(String name, int index) {
    return Counting.element(name, index);
  }
}
