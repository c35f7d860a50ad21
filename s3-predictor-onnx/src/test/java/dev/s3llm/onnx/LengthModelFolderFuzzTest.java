package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.api.SilentCloseable;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.s3llm.model.testing.Allocations;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** Descriptions of any content, beside valid files, are read or refused. */
@Timeout(60)
class LengthModelFolderFuzzTest {
  private static final long BYTES_AT_LEAST = 4 << 20;
  private static final long BYTES_A_BYTE = 400;

  @TempDir static Path folder;

  static Stream<byte[]> seeds() {
    Path model = new TinyModel().write(folder());
    String good;
    try {
      good = Files.readString(model.resolve(LengthModelFolder.DESCRIPTION));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Stream.of(
            good,
            good.replace("256]", "9223372036854775808]"),
            good.replace("[4,", "[4,4,"),
            good.replace("\"format\": 1", "\"format\": 1, \"format\": 1"),
            good.replace("\"tiny\"", "{\"a\":" + "[".repeat(2000)),
            good.replace("}}", "}} trailing"),
            "\uFEFF" + good,
            "null",
            "[1]")
        .map(text -> text.getBytes(StandardCharsets.UTF_8));
  }

  /** Returns a folder: the seeds are made before JUnit has created its folder. */
  private static Path folder() {
    try {
      return folder == null ? Files.createTempDirectory("s3-seeds") : folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyDescription_isReadOrRefused(byte[] content) throws Exception {
    if (!Files.exists(folder.resolve(LengthModelFolder.MODEL))) {
      new TinyModel().write(folder);
    }
    Files.write(folder.resolve(LengthModelFolder.DESCRIPTION), content);
    SilentCloseable watch = BugDetectors.setFilePathTraversalAllowPath(p -> p.startsWith(folder));
    try {
      Allocations.assertWithin(
          BYTES_AT_LEAST + BYTES_A_BYTE * content.length, LengthModelFolderFuzzTest::check);
    } finally {
      watch.close();
    }
  }

  private static void check() {
    try {
      LengthModelFolder.Description read = LengthModelFolder.read(folder).description();
      assertThat(read.buckets().count()).isBetween(1, 4096);
      assertThat(read.maxInputTokens()).isBetween(4, 8192);
      assertThat(read.maxBatch()).isBetween(1, 1024);
    } catch (LengthModelException e) {
      assertThat(e.getMessage()).startsWith(folder.toString());
    }
  }
}
