package dev.s3llm.examples.speech.audio;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rule that this package's package-info states. */
@AnalyzeClasses(
    packages = "dev.s3llm.examples.speech.audio",
    importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  @ArchTest
  static final ArchRule audio_dependsOnTheJdkAndJacksonOnly =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "java..",
              "com.fasterxml.jackson..",
              "org.jspecify.annotations",
              "dev.s3llm.examples.speech.audio");
}
