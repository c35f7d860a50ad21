package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.s3llm.model.testing.Allocations;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.provider.MethodSource;

/** ONNX files of any content pass the check or are refused; the check needs little memory. */
@Timeout(60)
class OnnxFileCheckFuzzTest {
  private static final long BYTES_AT_LEAST = 1 << 20;
  private static final long BYTES_A_BYTE = 400;

  static Stream<byte[]> seeds() {
    return Stream.of(
        tiny(m -> {}),
        tiny(m -> m.externalData = true),
        tiny(m -> m.sparseExternal = true),
        tiny(m -> m.domain = "evil.ops"),
        tiny(m -> m.operator = "Loop"),
        nested(),
        new byte[] {0x3A, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0x7F},
        new byte[] {0x3A, 0x00},
        "xxxxORTM".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
  }

  static byte[] tiny(Consumer<TinyModel> spoil) {
    TinyModel model = new TinyModel();
    spoil.accept(model);
    return model.onnx();
  }

  private static byte[] nested() {
    TinyModel.Message graph = new TinyModel.Message();
    for (int i = 0; i < 17; i++) {
      TinyModel.Message attribute = new TinyModel.Message().message(6, graph);
      graph = new TinyModel.Message().message(1, new TinyModel.Message().message(5, attribute));
    }
    return new TinyModel.Message().message(7, graph).bytes();
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyFile_passesOrIsRefused(byte[] content) throws Exception {
    byte[] before = content.clone();
    Allocations.assertWithin(BYTES_AT_LEAST + BYTES_A_BYTE * content.length, () -> check(content));
    assertThat(Arrays.equals(content, before)).as("left as it was").isTrue();
  }

  private static void check(byte[] content) {
    try {
      OnnxFileCheck.requireSelfContained(content);
    } catch (LengthModelException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}
