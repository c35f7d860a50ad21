package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tensors of weight files that are no weights of a model as they are. */
class WeightFilesTest {
  @TempDir Path folder;

  @Test
  void tensorOfAnyNumberType_isReadAsBytes() throws IOException {
    String header = "{\"a\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(16 + json.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).putInt(7).putInt(-1);
    Files.write(folder.resolve("model.safetensors"), bytes.array());
    try (WeightFiles files = WeightFiles.open(folder)) {
      RawTensor raw = files.raw("a");
      assertThat(raw.dtype()).isEqualTo("I32");
      assertThat(raw.shape()).containsExactly(2L);
      assertThat(raw.all().getInt(4)).isEqualTo(-1);
    }
  }
}
