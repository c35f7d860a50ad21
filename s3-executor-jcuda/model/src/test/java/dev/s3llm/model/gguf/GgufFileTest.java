package dev.s3llm.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.testing.GgufBytes;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {
  @TempDir Path folder;

  private static GgufBytes good() {
    return new GgufBytes()
        .put("general.architecture", "llama")
        .put("llama.block_count", 3)
        .tensor("a.weight", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
        .tensor("b.weight", new float[] {7}, 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void tensorsAndMetadata_areRead(int version) throws IOException {
    try (GgufFile file = GgufFile.open(write(good().version(version)))) {
      assertThat(file.metadata())
          .containsExactly(entry("general.architecture", "llama"), entry("llama.block_count", 3L));
      assertThat(file.names()).containsExactly("a.weight", "b.weight");
      assertThat(file.shape("a.weight")).containsExactly(2L, 3L);
      assertThat(file.format("a.weight")).isEqualTo("F32");
      assertThat(file.tensor("a.weight", 2, 3).floats()).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(file.tensor("b.weight", 1).floats()).containsExactly(7);
      assertThatThrownBy(() -> file.tensor("a.weight", 3, 2))
          .hasMessageContaining("tensor a.weight has shape [2, 3]");
      assertThatThrownBy(() -> file.tensor("c", 1)).hasMessageContaining("has no tensor c");
    }
  }

  @Test
  void everyKindOfValue_isRead() throws IOException {
    GgufBytes bytes =
        new GgufBytes()
            .put("text", "é")
            .put("real", 0.5f)
            .put("double", 0.1)
            .put("flag", true)
            .put("long", Long.MAX_VALUE)
            .putRaw("u8", new byte[] {0, 0, 0, 0, -1})
            .putRaw("i8", new byte[] {1, 0, 0, 0, -1})
            .putRaw("u16", new byte[] {2, 0, 0, 0, -1, -1})
            .putRaw("i16", new byte[] {3, 0, 0, 0, -1, -1})
            .putRaw("i32", new byte[] {5, 0, 0, 0, -1, -1, -1, -1})
            .put("u32", -1)
            .put("texts", List.of("a", "", "b"))
            .put("reals", List.of(0.5f, 1f))
            .put("flags", List.of(true, false))
            .put("integers", List.of(1, 2, -1))
            .put("none", List.of());
    try (GgufFile file = GgufFile.open(write(bytes))) {
      assertThat(file.metadata())
          .containsEntry("text", "é")
          .containsEntry("real", 0.5)
          .containsEntry("double", 0.1)
          .containsEntry("flag", true)
          .containsEntry("long", Long.MAX_VALUE)
          .containsEntry("u8", 255L)
          .containsEntry("i8", -1L)
          .containsEntry("u16", 65535L)
          .containsEntry("i16", -1L)
          .containsEntry("i32", -1L)
          .containsEntry("u32", 0xFFFFFFFFL)
          .containsEntry("texts", List.of("a", "", "b"))
          .containsEntry("reals", new double[] {0.5, 1})
          .containsEntry("flags", new boolean[] {true, false})
          .containsEntry("integers", new long[] {1, 2, 0xFFFFFFFFL})
          .containsEntry("none", List.of());
    }
  }

  @Test
  void textLongerThanTheBuffer_isReadWhole() throws IOException {
    String text = "x".repeat(200_000);
    try (GgufFile file = GgufFile.open(write(good().put("long", text).put("after", "y")))) {
      assertThat(file.metadata()).containsEntry("long", text).containsEntry("after", "y");
    }
  }

  @Test
  void truncatedFile_isRefusedAtEveryByte() throws IOException {
    byte[] whole = good().bytes();
    for (int length = 0; length < whole.length; length++) {
      Path cut = Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> GgufFile.open(cut))
          .as("cut at %d", length)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("cut.gguf");
    }
  }

  @Test
  void tensorBeyondTwoGigabytes_isRead() throws IOException {
    long far = 5L << 30;
    byte[] head =
        new GgufBytes().entry("big", 24, 0, 1 << 20, 1 << 12).entry("end", 0, far, 2).bytes();
    Path path = folder.resolve("sparse.gguf");
    try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
      sparse.write(head);
      sparse.seek(head.length + far);
      sparse.write(new byte[] {0, 0, (byte) 0x80, 0x3F, 0, 0, 0, 0x40});
    }
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.tensor("end", 2).floats()).containsExactly(1, 2);
    }
  }

  @Test
  void sliceAcrossAWindow_isReadWhole() throws IOException {
    byte[] head = new GgufBytes().entry("big", 0, 0, 3, 1 << 28).bytes();
    Path path = folder.resolve("sparse.gguf");
    long border = 1L << 28; // elements in a GiB
    try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
      sparse.write(head);
      sparse.seek(head.length + 4 * (border - 1));
      sparse.write(new byte[] {0, 0, (byte) 0x80, 0x3F, 0, 0, 0, 0x40});
      sparse.setLength(head.length + 12 * border);
    }
    try (GgufFile file = GgufFile.open(path)) {
      var slice = file.tensor("big", 3, 1 << 28).slice(border - 1, 2).asFloatBuffer();
      assertThat(slice.get(0)).isEqualTo(1);
      assertThat(slice.get(1)).isEqualTo(2);
    }
  }

  static Stream<Arguments> bad() {
    byte[] nested = {9, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    byte[] longArray = {9, 0, 0, 0, 4, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, 127};
    byte[] longText = {8, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1};
    return Stream.of(
        Arguments.of("magic", ascii("GGML" + "x".repeat(40)), "does not begin with 'GGUF'"),
        Arguments.of(
            "pointer",
            ascii("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
            "pointer of Git LFS"),
        Arguments.of("version 1", good().version(1).bytes(), "version 1, supported are 2 and 3"),
        Arguments.of("big-endian", good().version(3 << 24).bytes(), "big-endian"),
        Arguments.of("nested", good().putRaw("k", nested).bytes(), "k is an array of arrays"),
        Arguments.of("array", good().putRaw("k", longArray).bytes(), "elements of k"),
        Arguments.of("text", good().putRaw("k", longText).bytes(), "18446744073709551615"),
        Arguments.of(
            "value type", good().putRaw("k", new byte[] {13, 0, 0, 0}).bytes(), "value type 13"),
        Arguments.of(
            "boolean", good().putRaw("k", new byte[] {7, 0, 0, 0, 2}).bytes(), "boolean 2"),
        Arguments.of("u64", good().put("k", -1L).bytes(), "k is 18446744073709551615"),
        Arguments.of("key twice", good().put("k", 1).put("k", 1).bytes(), "key k is there twice"),
        Arguments.of(
            "name twice", good().entry("a.weight", 0, 0, 1).bytes(), "a.weight is there twice"),
        Arguments.of("alignment", good().put("general.alignment", 24).bytes(), "general.alignment"),
        Arguments.of("type", good().entry("t", 4, 0, 1).bytes(), "tensor t is of the unknown type"),
        Arguments.of("blocks", good().entry("t", 2, 0, 33).bytes(), "blocks of 32"),
        Arguments.of("offset", good().entry("t", 0, 4, 1).bytes(), "multiple of the alignment"),
        Arguments.of("negative offset", good().entry("t", 0, -32, 1).bytes(), "multiple of"),
        Arguments.of("end", good().entry("t", 0, 64, 1).bytes(), "tensor t ends beyond the file"),
        Arguments.of("far", good().entry("t", 0, 1L << 62, 1).bytes(), "ends beyond the file"),
        Arguments.of("overlap", good().entry("t", 0, 0, 1).bytes(), "overlap"),
        Arguments.of("dimension", good().entry("t", 0, 0, -1).bytes(), "a dimension of"),
        Arguments.of(
            "elements", good().entry("t", 0, 0, 1L << 32, 1L << 32).bytes(), "2^63 elements"),
        Arguments.of("bytes", good().entry("t", 0, 0, 1L << 62).bytes(), "2^63 bytes"),
        Arguments.of(
            "dimensions", good().entry("t", 0, 0, 1, 1, 1, 1, 1).bytes(), "has 5 dimensions"));
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void bad(String what, byte[] content, String message) throws IOException {
    Path path = Files.write(folder.resolve("bad.gguf"), content);
    assertThatThrownBy(() -> GgufFile.open(path))
        .as(what)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(path.toString())
        .hasMessageContaining(message);
  }

  @Test
  void formatThatIsNotDecoded_isNamedWhenItIsRead() throws IOException {
    try (GgufFile file =
        GgufFile.open(write(new GgufBytes().tensor("t", 16, new byte[66], 1, 256)))) {
      assertThat(file.format("t")).isEqualTo("IQ2_XXS");
      assertThatThrownBy(() -> file.tensor("t", 1, 256))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("IQ2_XXS, which is not supported; supported: F32, F16, Q4_0");
    }
  }

  @Test
  void everyElementType_hasANumber() {
    for (ElementType type : ElementType.values()) {
      assertThat(Stream.of(GgufType.values()).flatMap(each -> each.element().stream()))
          .contains(type);
    }
  }

  @Test
  void splitModel_isOpenedWithAnyOfItsFiles() throws IOException {
    part(1, 2, good());
    Path second = part(2, 2, new GgufBytes().tensor("c.weight", new float[] {8}, 1));
    try (GgufFile file = GgufFile.open(second)) {
      assertThat(file.names()).containsExactly("a.weight", "b.weight", "c.weight");
      assertThat(file.metadata()).containsEntry("llama.block_count", 3L);
      assertThat(file.tensor("c.weight", 1).floats()).containsExactly(8);
    }
  }

  @Test
  void splitModelWithoutAFile_isRefusedNamingIt() throws IOException {
    Path first = part(1, 3, good());
    part(2, 3, new GgufBytes());
    assertThatThrownBy(() -> GgufFile.open(first))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("m-00003-of-00003.gguf is missing");
  }

  @Test
  void splitModelWithMixedUpFiles_isRefused() throws IOException {
    Path first = part(1, 2, good());
    Files.copy(first, folder.resolve("m-00002-of-00002.gguf"));
    assertThatThrownBy(() -> GgufFile.open(first))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("is also in another file");
    part(2, 2, new GgufBytes().put("split.tensors.count", 7));
    Files.move(folder.resolve("m-00001-of-00002.gguf"), folder.resolve("renamed.gguf"));
    assertThatThrownBy(() -> GgufFile.open(folder.resolve("renamed.gguf")))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("must end in -00001-of-00002.gguf");
  }

  private Path part(int number, int count, GgufBytes bytes) throws IOException {
    bytes.put("split.no", number - 1).put("split.count", count);
    return Files.write(
        folder.resolve("m-%05d-of-%05d.gguf".formatted(number, count)), bytes.bytes());
  }

  private Path write(GgufBytes bytes) throws IOException {
    return Files.write(folder.resolve("test.gguf"), bytes.bytes());
  }
}
