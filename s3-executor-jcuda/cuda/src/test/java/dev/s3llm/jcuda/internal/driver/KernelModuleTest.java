package dev.s3llm.jcuda.internal.driver;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class KernelModuleTest {
  private static final Path SOURCES = Path.of("src/main/cuda");

  @Test
  void shippedKernels_areThoseOfTheSources() throws Exception {
    Hasher hasher = Hashing.sha256().newHasher();
    try (var files = Files.list(SOURCES)) {
      List<Path> sources =
          files
              .filter(file -> file.toString().endsWith(".cu") || file.toString().endsWith(".cuh"))
              .sorted()
              .toList();
      assertThat(sources).hasSizeGreaterThan(10);
      for (Path source : sources) {
        hasher.putBytes(Files.readAllBytes(source));
      }
    }
    assertThat(resource("s3kernels.fatbin.sources").trim())
        .as("run src/main/cuda/build.sh with the fatbin's place as its argument")
        .isEqualTo(hasher.hash().toString());
  }

  private static String resource(String name) throws Exception {
    try (InputStream in = KernelModule.class.getResourceAsStream(name)) {
      assertThat(in).isNotNull();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
