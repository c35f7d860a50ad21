package dev.s3llm.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.testing.Allocations;
import dev.s3llm.model.testing.GgufBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** GGUF files of any content are read or refused, and what they declare allocates nothing. */
@Timeout(60)
class GgufFuzzTest {
  private static final long BYTES_AT_LEAST = 4 << 20;

  /** A byte becomes a long of an array, a part of a text or of a map's node, or some floats. */
  private static final long BYTES_A_BYTE = 200;

  @TempDir static Path folder;

  static Stream<byte[]> seeds() {
    GgufBytes whole =
        new GgufBytes()
            .put("general.architecture", "llama")
            .put("k", List.of("a", "b"))
            .put("n", List.of(1, 2))
            .put("f", 1f)
            .tensor("a", new float[] {1, 2}, 2)
            .tensor("q", 2, new byte[36], 2, 32)
            .tensor("x", 16, new byte[66], 1, 256)
            .tensor("e", new float[0], 0, 3);
    byte[] counts = whole.bytes();
    ByteBuffer.wrap(counts).order(ByteOrder.LITTLE_ENDIAN).putLong(8, 1L << 40);
    byte[] keys = whole.bytes();
    ByteBuffer.wrap(keys).order(ByteOrder.LITTLE_ENDIAN).putLong(16, Long.MIN_VALUE);
    return Stream.of(
        new byte[0],
        whole.bytes(),
        counts,
        keys,
        new GgufBytes().bytes(),
        new GgufBytes().put("split.count", 2).put("split.no", 0).bytes(),
        new GgufBytes().put("split.count", "two").bytes());
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyFile_isReadOrRefused(byte[] content) throws Exception {
    Path file = Files.write(folder.resolve("model.gguf"), content);
    Allocations.assertWithin(BYTES_AT_LEAST + BYTES_A_BYTE * content.length, () -> check(file));
  }

  /** A fuzzer runs for as long as it is given; this is what every build runs. */
  @Test
  void changedBytes_areReadOrRefused() throws Exception {
    List<byte[]> seeds = new ArrayList<>(seeds().filter(seed -> seed.length > 0).toList());
    Random random = new Random(1);
    for (int i = 0; i < 600; i++) {
      byte[] content = seeds.get(random.nextInt(seeds.size())).clone();
      for (int change = random.nextInt(3); change >= 0; change--) {
        content[random.nextInt(content.length)] = (byte) random.nextInt();
      }
      anyFile_isReadOrRefused(content);
    }
  }

  private static void check(Path path) {
    try (GgufFile file = GgufFile.open(path)) {
      for (String name : file.names()) {
        read(file, name);
      }
    } catch (ModelFormatException e) {
      assertThat(e).hasMessageStartingWith(path.toString());
    }
  }

  private static void read(GgufFile file, String name) {
    try {
      long[] shape = file.shape(name).stream().mapToLong(Long::longValue).toArray();
      Tensor tensor = file.tensor(name, shape);
      assertThat(tensor.bytes()).isEqualTo(file.bytes(name));
      tensor.slice(0, (int) tensor.elements());
    } catch (ModelFormatException e) {
      assertThat(e.getMessage()).contains("tensor " + name);
    }
  }
}
