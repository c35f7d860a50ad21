package dev.s3llm.examples.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.stream.Stream;

/** The rules that the package-infos of this module state. */
@AnalyzeClasses(packages = "dev.s3llm.examples.server", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  private static final String ROOT = "dev.s3llm.examples.server";

  @ArchTest
  static final ArchRule packages_formNoCycle =
      slices().matching(ROOT + ".(*)..").should().beFreeOfCycles();

  @ArchTest static final ArchRule openai_knowsNoOtherPackage = knowsOnly("openai");

  @ArchTest static final ArchRule live_knowsNoOtherPackage = knowsOnly("live");

  @ArchTest static final ArchRule call_knowsOpenai = knowsOnly("call", "openai");

  @ArchTest
  static final ArchRule http_knowsCallLiveAndOpenai = knowsOnly("http", "call", "live", "openai");

  @ArchTest
  static final ArchRule observe_knowsCallAndOpenai = knowsOnly("observe", "call", "openai");

  @ArchTest
  static final ArchRule server_usesPublishedPartsOfTheStarter =
      noClasses().should().dependOnClassesThat().resideInAPackage("dev.s3llm.spring.internal..");

  private static ArchRule knowsOnly(String name, String... others) {
    String[] unknown =
        Stream.of("openai", "call", "live", "http", "observe", "autoconfigure")
            .filter(other -> !other.equals(name) && !Stream.of(others).anyMatch(other::equals))
            .map(other -> ROOT + "." + other + "..")
            .toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage(ROOT + "." + name + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(unknown);
  }
}
