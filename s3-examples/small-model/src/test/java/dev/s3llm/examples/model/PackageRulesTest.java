package dev.s3llm.examples.model;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rule that this module's package-info states. */
@AnalyzeClasses(packages = "dev.s3llm.examples.model", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  @ArchTest
  static final ArchRule model_dependsOnTheJdkOnly =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("java..", "org.jspecify.annotations", "dev.s3llm.examples.model");
}
