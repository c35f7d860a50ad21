package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.common.hash.Hashing;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole length models whose ONNX file is of any content are loaded, and then answer, or refused.
 */
@Timeout(60)
class LengthModelFuzzTest {
  @TempDir static Path folder;

  static Stream<byte[]> seeds() {
    return Stream.of(
        OnnxFileCheckFuzzTest.tiny(m -> {}),
        OnnxFileCheckFuzzTest.tiny(m -> m.columns = 7),
        OnnxFileCheckFuzzTest.tiny(m -> m.poison = Float.NaN),
        OnnxFileCheckFuzzTest.tiny(m -> m.idsRank = 3),
        OnnxFileCheckFuzzTest.tiny(m -> m.embeddingVaries = true));
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyModel_answersOrIsRefused(byte[] content) throws Exception {
    TinyModel model = new TinyModel();
    model.checksum = Hashing.sha256().hashBytes(content).toString();
    model.write(folder);
    Files.write(folder.resolve(LengthModelFolder.MODEL), content);
    try (LengthModel loaded = LengthModel.load(folder, 1)) {
      answer(loaded);
    } catch (LengthModelException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  private static void answer(LengthModel model) {
    Scores[] scores = model.run(List.of(model.encode("w1 w2 w3"), model.encode("w4")));
    assertThat(scores).hasSize(2);
    assertThat(scores[0].logits()).hasSize(TinyModel.CLASSES);
  }
}
