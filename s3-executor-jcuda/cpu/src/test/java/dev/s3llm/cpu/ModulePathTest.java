package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.testing.ClassPath;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolvedModule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** On the module path one {@code requires dev.s3llm.cpu} brings all modules, without flags. */
class ModulePathTest {
  @Test
  void oneRequires_bringsEveryModule() {
    ModuleFinder path =
        ModuleFinder.of(
            ClassPath.entries().stream().filter(ModulePathTest::isModule).toArray(Path[]::new));
    Configuration resolved =
        ModuleLayer.boot()
            .configuration()
            .resolve(path, ModuleFinder.of(), Set.of("dev.s3llm.cpu"));
    assertThat(resolved.modules())
        .extracting(ResolvedModule::name)
        .contains("dev.s3llm.core", "dev.s3llm.model", "com.fasterxml.jackson.databind");
    assertThat(resolved.modules())
        .extracting(ResolvedModule::reference)
        .extracting(ModuleReference::descriptor)
        .noneMatch(descriptor -> descriptor.isAutomatic());
  }

  /** Folders of classes, and jars of the libraries that the module needs; no test libraries. */
  private static boolean isModule(Path entry) {
    String name = entry.getFileName().toString();
    return Files.isDirectory(entry)
        ? Files.exists(entry.resolve("module-info.class"))
        : name.matches("(s3-|jackson-|slf4j-api|jspecify|guava|failureaccess).*")
            && !name.endsWith("-tests.jar");
  }
}
