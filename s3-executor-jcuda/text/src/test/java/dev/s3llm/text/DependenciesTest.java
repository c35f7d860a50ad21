package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.testing.ClassPath;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** A user without a GPU downloads nothing of CUDA; reads the class path that Maven has resolved. */
class DependenciesTest {
  private static final String KERNELS = ".fatbin";

  @Test
  void classPath_holdsWhatThisModuleNeeds() {
    assertThat(ClassPath.jars()).anyMatch(jar -> jar.startsWith("jackson-databind"));
    assertThat(ClassPath.files()).contains("dev/s3llm/text/TextGenerator.class");
  }

  @Test
  void classPath_holdsNoJCuda() {
    assertThat(ClassPath.jars()).noneMatch(jar -> jar.toLowerCase(Locale.ROOT).contains("jcuda"));
    assertThat(ClassPath.files())
        .noneMatch(file -> file.startsWith("jcuda/") || file.contains("libJCuda"))
        .noneMatch(file -> file.endsWith(KERNELS));
    assertThatThrownBy(() -> Class.forName("jcuda.driver.JCudaDriver"))
        .isInstanceOf(ClassNotFoundException.class);
  }
}
