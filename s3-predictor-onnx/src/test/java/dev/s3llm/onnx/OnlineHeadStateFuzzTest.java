package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.s3llm.model.testing.Allocations;
import dev.s3llm.predict.LengthBuckets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Saved heads of any content are read or refused. The checksum is corrected, since it would refuse
 * nearly all.
 */
@Timeout(60)
class OnlineHeadStateFuzzTest {
  private static final OnlineHeadState HEAD =
      new OnlineHead(LengthBuckets.of(4, 16), 2, "model").state();

  @TempDir static Path folder;

  static Stream<byte[]> seeds() {
    try {
      Path file = Files.createTempFile("head", ".bin");
      HEAD.write(file);
      byte[] good = Files.readAllBytes(file);
      Files.delete(file);
      byte[] negative = good.clone();
      Arrays.fill(negative, 24, 40, (byte) 0xFF);
      return Stream.of(good, negative, Arrays.copyOf(good, 20), new byte[16]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyFile_isReadOrRefused(byte[] content) throws Exception {
    Path file = Files.write(folder.resolve("head.bin"), withChecksum(content));
    Allocations.assertWithin((4 << 20) + 100L * content.length, () -> check(file));
  }

  private static void check(Path file) {
    try {
      OnlineHeadState read = OnlineHeadState.read(file, HEAD);
      assertThat(read.weights()).hasSameSizeAs(HEAD.weights());
      assertThat(read.progress().answers()).isNotNegative();
      new OnlineHead(LengthBuckets.of(4, 16), 2, "model").restore(read);
    } catch (LengthModelException | IOException e) {
      assertThat(e.toString()).isNotBlank();
    }
  }

  private static byte[] withChecksum(byte[] content) {
    if (content.length < Long.BYTES) {
      return content;
    }
    CRC32 checksum = new CRC32();
    checksum.update(content, 0, content.length - Long.BYTES);
    return ByteBuffer.wrap(content.clone())
        .putLong(content.length - Long.BYTES, checksum.getValue())
        .array();
  }
}
