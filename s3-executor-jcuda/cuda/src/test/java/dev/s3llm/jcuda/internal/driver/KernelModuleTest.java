package dev.s3llm.jcuda.internal.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.io.File;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

  @Test
  void sources_compileWhereNvccIs(@TempDir Path folder) throws Exception {
    assumeTrue(hasNvcc(), "no nvcc on the path: the kernels were not compiled");
    Path output = folder.resolve("kernels.fatbin");
    String script = SOURCES.resolve("build.sh").toAbsolutePath().toString();
    Process build =
        new ProcessBuilder(script, output.toString(), "90a")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    assertThat(build.waitFor(10, TimeUnit.MINUTES)).isTrue();
    assertThat(build.exitValue()).as(Files.readString(folder.resolve("log"))).isZero();
    assertThat(output).isNotEmptyFile();
  }

  private static boolean hasNvcc() {
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder).resolve("nvcc")));
  }

  private static String resource(String name) throws Exception {
    try (InputStream in = KernelModule.class.getResourceAsStream(name)) {
      assertThat(in).isNotNull();
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
