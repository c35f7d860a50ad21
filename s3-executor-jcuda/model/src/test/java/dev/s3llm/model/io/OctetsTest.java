package dev.s3llm.model.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is done to eight numbers at a time, against the same done to one. */
class OctetsTest {
  private static final int TRIES = 500;

  private final Random random = new Random(1);

  @Test
  void nibblesAndBits_standLowestFirst() {
    for (int word : random.ints(TRIES).toArray()) {
      assertThat(bytes(Octets.nibbles(word))).containsExactly(each(i -> word >>> (4 * i) & 0xF));
      assertThat(bytes(Octets.bits(word))).containsExactly(each(i -> word >>> i & 1));
    }
  }

  @Test
  void fields_stayInTheirBytes() {
    for (int tried = 0; tried < TRIES; tried++) {
      byte[] from = randomBytes(8);
      int shift = random.nextInt(8);
      assertThat(bytes(Octets.field(Octets.get(from, 0), shift, 0xFF >>> shift)))
          .containsExactly(each(i -> (from[i] & 0xFF) >>> shift));
    }
  }

  @Test
  void minus_borrowsFromNoOtherByte() {
    for (int tried = 0; tried < TRIES; tried++) {
      byte[] from = new byte[8];
      for (int i = 0; i < 8; i++) {
        from[i] = (byte) random.nextInt(128);
      }
      int subtrahend = random.nextInt(129);
      assertThat(bytes(Octets.minus(Octets.get(from, 0), subtrahend)))
          .containsExactly(each(i -> (from[i] - subtrahend) & 0xFF));
    }
  }

  @Test
  void words_areUnpackedWhereTheySay() {
    for (int word : random.ints(TRIES).toArray()) {
      int at = random.nextInt(8);
      byte[] nibbles = new byte[16];
      byte[] octets = new byte[16];
      Octets.unpack(word, 4, nibbles, at);
      Octets.unpack(word, 8, octets, at);
      assertThat(each(i -> nibbles[at + i])).containsExactly(each(i -> word >>> (4 * i) & 0xF));
      assertThat(each(i -> octets[at + i] & 0xFF))
          .containsExactly(each(i -> i < 4 ? word >>> (8 * i) & 0xFF : 0));
    }
  }

  @Test
  void transpose_swapsRowsAndColumns() {
    byte[] from = randomBytes(64);
    long[] octets = IntStream.range(0, 8).mapToLong(i -> Octets.get(from, 8 * i)).toArray();
    Octets.transpose(octets);
    for (int column = 0; column < 8; column++) {
      int row = column;
      assertThat(bytes(octets[column])).containsExactly(each(i -> from[8 * i + row] & 0xFF));
    }
  }

  private byte[] randomBytes(int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  private static int[] bytes(long octet) {
    byte[] bytes = new byte[8];
    Octets.put(bytes, 0, octet);
    return each(i -> bytes[i] & 0xFF);
  }

  private static int[] each(IntUnaryOperator number) {
    return IntStream.range(0, 8).map(number).toArray();
  }
}
