package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Tests the number of public types of this module. */
class PublicSurfaceTest {
  private static final Path CLASSES = Path.of("target", "classes");

  /** The limit of public exported types: each one must be documented and kept compatible. */
  private static final int MOST_TYPES = 60;

  private static final String TEST_KIT = "dev.s3llm.testkit";

  @Test
  void publicTypesInExportedPackages_areFew() {
    Set<String> exported = exportedPackages();
    List<String> types =
        classes().stream()
            .filter(type -> exported.contains(type.getPackageName()))
            .filter(type -> type.isTopLevelClass() && isPublic(type))
            .map(JavaClass::getName)
            .sorted()
            .toList();
    assertThat(types).hasSizeBetween(1, MOST_TYPES);
  }

  @Test
  void rootPackage_holdsFewerThanADozenFiles() {
    Set<String> files =
        classes().stream()
            .filter(type -> type.getPackageName().equals("dev.s3llm") && type.isTopLevelClass())
            .map(JavaClass::getSimpleName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(files).contains("S3Engine").hasSizeLessThan(12);
  }

  /** On the module path the test kit is a module of its own. */
  @Test
  void packagesThatTheTestKitUses_areExportedToIt() {
    Set<String> visible =
        module().exports().stream()
            .filter(exports -> !exports.isQualified() || exports.targets().contains(TEST_KIT))
            .map(ModuleDescriptor.Exports::source)
            .collect(Collectors.toSet());
    Set<String> used =
        new ClassFileImporter()
            .importPath(Path.of("target", "test-classes", "dev", "s3llm", "testkit")).stream()
                .filter(type -> !type.getName().matches(".*Test(\\$.*)?"))
                .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
                .map(dependency -> dependency.getTargetClass().getPackageName())
                .filter(name -> name.startsWith("dev.s3llm") && !name.equals(TEST_KIT))
                .collect(Collectors.toCollection(TreeSet::new));
    assertThat(used).contains("dev.s3llm.engine.loop").isSubsetOf(visible);
  }

  private static Set<String> exportedPackages() {
    return module().exports().stream()
        .filter(exports -> !exports.isQualified())
        .map(ModuleDescriptor.Exports::source)
        .collect(Collectors.toSet());
  }

  private static ModuleDescriptor module() {
    return ModuleFinder.of(CLASSES).find("dev.s3llm.core").orElseThrow().descriptor();
  }

  private static List<JavaClass> classes() {
    return List.copyOf(
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPath(CLASSES));
  }

  private static boolean isPublic(JavaClass type) {
    return type.getModifiers().contains(JavaModifier.PUBLIC);
  }
}
