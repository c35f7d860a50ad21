package dev.s3llm.springai;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rule that this module's package-info states. */
@AnalyzeClasses(packages = "dev.s3llm.springai", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  @ArchTest
  static final ArchRule model_dependsOnCoreTextAndSpringAiOnly =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "java..",
              "org.jspecify.annotations",
              "org.springframework.ai..",
              "reactor..",
              "io.micrometer.observation",
              "dev.s3llm", // s3-core
              "dev.s3llm.error",
              "dev.s3llm.execute",
              "dev.s3llm.observe",
              "dev.s3llm.text..",
              "dev.s3llm.springai");
}
