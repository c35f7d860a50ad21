package dev.s3llm.examples.plain;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The dependencies that the package-info of the plain service allows. */
@AnalyzeClasses(packages = "dev.s3llm.examples.plain", importOptions = DoNotIncludeTests.class)
final class PlainRulesTest {
  @ArchTest
  static final ArchRule service_usesTheJdkTheLibraryAndJackson =
      classes()
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage(
                  "java..",
                  "com.sun.net.httpserver..",
                  "com.fasterxml.jackson..",
                  "org.jspecify..",
                  "dev.s3llm",
                  "dev.s3llm.error..",
                  "dev.s3llm.observe..",
                  "dev.s3llm.simulate..",
                  "dev.s3llm.cpu..",
                  "dev.s3llm.text..",
                  "dev.s3llm.examples.model..",
                  "dev.s3llm.examples.plain.."));

  @ArchTest
  static final ArchRule main_aloneNamesExecutorAndModel =
      noClasses()
          .that()
          .doNotHaveSimpleName("Main")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(
                  "dev.s3llm.cpu..", "dev.s3llm.model..", "dev.s3llm.examples.model.."));

  @ArchTest
  static final ArchRule prompt_aloneUsesJackson =
      noClasses()
          .that()
          .doNotHaveSimpleName("Prompt")
          .should()
          .dependOnClassesThat(resideInAnyPackage("com.fasterxml.jackson.."));
}
