package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.model.testing.Allocations;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** Weight files of any content are read or refused, and what they declare allocates nothing. */
@Timeout(60)
class SafetensorsFuzzTest {
  private static final long BYTES_AT_LEAST = 4 << 20;

  /** A byte of JSON becomes a node; one of data, two floats at most. */
  private static final long BYTES_A_BYTE = 400;

  @TempDir static Path folder;

  static Stream<byte[]> seeds() {
    String a = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
    String b = "\"b\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[8,12]}";
    String empty = "\"e\":{\"dtype\":\"F16\",\"shape\":[0,3],\"data_offsets\":[8,8]}";
    return Stream.of(
        file("{}", 0),
        file("{" + a + "}", 8),
        file("{" + a + "," + empty + "," + b + "}", 12),
        file("{\"__metadata__\":{\"format\":\"pt\"}," + a + "}  ", 8),
        file("{" + a + "," + a + "}", 8),
        file("{" + a + "," + b + "}", 8),
        file("\uFEFF{" + a + "}", 8),
        file("{\"a\":" + "[".repeat(200), 0),
        file(one("F32", "[4194305,4194305,211106198978564]", "[0,16]"), 16),
        file(one("F32", "[0,9223372036854775807]", "[0,0]"), 0),
        file(one("XYZ", "[9223372036854775807]", "[0,16]"), 16),
        file(one("F8_E4M3", "[4]", "[9223372036854775807,9223372036854775807]"), 4),
        file(one("I64", "[1e3]", "[4,0]"), 8),
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Long.MAX_VALUE).array(),
        ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 99_999_999).array());
  }

  private static String one(String type, String shape, String offsets) {
    return "{\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}"
        .formatted(type, shape, offsets);
  }

  private static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyFile_isReadOrRefused(byte[] content) throws Exception {
    Path file = Files.write(folder.resolve("model.safetensors"), content);
    Allocations.assertWithin(
        BYTES_AT_LEAST + BYTES_A_BYTE * content.length, () -> check(file, content));
  }

  private static void check(Path path, byte[] content) throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      JsonNode header = header(content); // it was accepted, so it is JSON
      for (String name : file.names()) {
        long[] shape =
            StreamSupport.stream(header.path(name).path("shape").spliterator(), false)
                .mapToLong(JsonNode::longValue)
                .toArray();
        assertThat(read(file, name, shape))
            .as("bytes of %s", name)
            .isLessThanOrEqualTo(content.length);
      }
    } catch (ModelFormatException e) {
      assertThat(e).hasMessageStartingWith(path.toString());
      assertThat(e.getMessage()).hasSizeLessThan(path.toString().length() + 500);
    }
  }

  private static long read(SafetensorsFile file, String name, long[] shape) {
    try {
      Tensor tensor = file.tensor(name, shape);
      assertThat(tensor.floats()).hasSize((int) tensor.elements());
      return tensor.bytes();
    } catch (ModelFormatException e) { // no number, or a type that is not read
      assertThat(e.getMessage()).contains("tensor " + name);
      return 0;
    }
  }

  private static JsonNode header(byte[] content) throws IOException {
    long length = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    return new ObjectMapper().readTree(Arrays.copyOfRange(content, 8, 8 + (int) length));
  }
}
