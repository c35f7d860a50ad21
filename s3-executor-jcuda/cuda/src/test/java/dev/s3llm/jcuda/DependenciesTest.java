package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.testing.ClassPath;
import org.junit.jupiter.api.Test;

/** Finds here all that the modules without CUDA must not find, so that their tests can fail. */
class DependenciesTest {
  @Test
  void classPath_holdsJCudaAndItsNatives() {
    assertThat(ClassPath.jars())
        .anyMatch(jar -> jar.startsWith("jcuda-1"))
        .anyMatch(jar -> jar.startsWith("jcuda-natives"));
    assertThat(ClassPath.files())
        .anyMatch(file -> file.startsWith("jcuda/"))
        .anyMatch(file -> file.contains("libJCuda"))
        .anyMatch(file -> file.endsWith(".fatbin"));
  }
}
