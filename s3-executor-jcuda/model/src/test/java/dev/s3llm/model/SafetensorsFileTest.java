package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.testing.Allocations;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {
  private static final String GOOD =
      "{\"__metadata__\":{\"format\":\"pt\"},"
          + "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
          + "\"b\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[8,12]},"
          + "\"c\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[12,16]}}";

  @TempDir Path folder;

  @Test
  void allThreeTypes_areReadAsFloats() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(1.5f).putFloat(-2).putShort((short) 0x3FC0).putShort((short) 0xC000);
    data.putShort((short) 0x3E00).putShort((short) 0x0001);
    try (SafetensorsFile file = SafetensorsFile.open(write(GOOD, data.array()))) {
      assertThat(file.tensor("a", 2).floats()).containsExactly(1.5f, -2);
      assertThat(file.tensor("b", 1, 2).floats()).containsExactly(1.5f, -2);
      assertThat(file.tensor("c", 2).floats()).containsExactly(1.5f, 0x1p-24f);
      assertThatThrownBy(() -> file.tensor("a", 1, 2))
          .hasMessageContaining("tensor a has shape [2]");
      assertThatThrownBy(() -> file.tensor("d", 1)).hasMessageContaining("no tensor d");
    }
  }

  @Test
  void truncatedFile_isRefusedAtEveryByte() throws IOException {
    byte[] whole = Files.readAllBytes(write(GOOD, new byte[16]));
    for (int length = 0; length < whole.length; length++) {
      Path cut = folder.resolve("cut.safetensors");
      Files.write(cut, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> SafetensorsFile.open(cut))
          .as("cut at %d", length)
          .isInstanceOf(ModelFormatException.class);
    }
  }

  @Test
  void longerFile_isRefusedWhenCutWithinItsFirstKibibyte() throws IOException {
    String header = GOOD.replace("\"pt\"", "\"" + "x".repeat(1100) + "\"");
    byte[] whole = Files.readAllBytes(write(header, new byte[16]));
    for (int length = 0; length <= 1024; length++) {
      Path cut = Files.write(folder.resolve("cut.safetensors"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> SafetensorsFile.open(cut))
          .as("cut at %d", length)
          .isInstanceOf(ModelFormatException.class);
    }
  }

  @Test
  void headerBeyondTheLimit_isRefusedUnreadHoweverLongTheFile() throws Exception {
    Path file = folder.resolve("sparse.safetensors");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(100_000_001).array());
      sparse.setLength(200_000_000);
    }
    Allocations.assertWithin(
        1 << 20,
        () ->
            assertThatThrownBy(() -> SafetensorsFile.open(file))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("100000001"));
  }

  @Test
  void emptyTensor_mayShareAnOffset() throws IOException {
    String header =
        GOOD.replace(
            "\"b\"", "\"e\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[8,8]},\"b\"");
    try (SafetensorsFile file = SafetensorsFile.open(write(header, new byte[16]))) {
      assertThat(file.tensor("e", 0, 7).floats()).isEmpty();
      assertThat(file.tensor("b", 1, 2).floats()).hasSize(2);
    }
  }

  @Test
  void typeThatIsNotRead_isNamed() throws IOException {
    String header = "{\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}";
    try (SafetensorsFile file = SafetensorsFile.open(write(header, new byte[16]))) {
      assertThatThrownBy(() -> file.tensor("a", 2))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("tensor a is of type F64");
    }
  }

  @Test
  void fileReplacedWhileOpen_isReadAsItWas() throws IOException {
    byte[] data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putFloat(1.5f).array();
    Path path = write(GOOD, data);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      Path other = Files.write(folder.resolve("other"), new byte[3]);
      Files.move(other, path, StandardCopyOption.REPLACE_EXISTING);
      assertThat(file.tensor("a", 2).floats()).containsExactly(1.5f, 0);
    }
  }

  @Test
  void fileCutWhileOpen_isRefusedWhenRead() throws IOException {
    Path path = write(GOOD, new byte[16]);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      Files.write(path, new byte[3]);
      assertThatThrownBy(() -> file.tensor("a", 2).floats())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("tensor a cannot be read");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 1000, 100_000_001, Long.MAX_VALUE, -1, Long.MIN_VALUE})
  void absurdHeaderLength_isRefused(long length) throws IOException {
    Path file = folder.resolve("bad.safetensors");
    byte[] bytes = Files.readAllBytes(write(GOOD, new byte[16]));
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
    Files.write(file, bytes);
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("header length");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "\uFEFF{}",
        "{\"a\":",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4.5],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16,3]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}",
        "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4194305,4194305,211106198978564],"
            + "\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[9223372036854775800,"
            + "9223372036854775807]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[0,20]}}",
      })
  void badHeader_isRefused(String header) throws IOException {
    Path file = write(header, new byte[16]);
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("test.safetensors");
  }

  @Test
  void deepNesting_isRefused() throws IOException {
    Path file = write("{\"a\":" + "[".repeat(5000) + "]".repeat(5000) + "}", new byte[16]);
    assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(ModelFormatException.class);
  }

  @Test
  void notANumber_isRefusedWithItsPlace() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(0).putFloat(Float.NaN);
    try (SafetensorsFile file = SafetensorsFile.open(write(GOOD, data.array()))) {
      assertThatThrownBy(() -> file.tensor("a", 2).floats())
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("tensor a holds NaN at element 1");
    }
  }

  private Path write(String header, byte[] data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).put(data);
    return Files.write(folder.resolve("test.safetensors"), bytes.array());
  }
}
