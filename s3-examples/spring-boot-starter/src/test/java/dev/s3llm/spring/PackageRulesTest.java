package dev.s3llm.spring;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rules that the package-infos of this module state. */
@AnalyzeClasses(packages = "dev.s3llm.spring", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  @ArchTest
  static final ArchRule packages_formNoCycle =
      slices().matching("dev.s3llm.spring.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule root_knowsNoOtherPackageOfTheStarter =
      noClasses()
          .that()
          .resideInAPackage("dev.s3llm.spring")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.s3llm.spring.*..");

  @ArchTest
  static final ArchRule metricsAndTracing_workWithoutSpring =
      noClasses()
          .that()
          .resideInAnyPackage("dev.s3llm.spring.metrics", "dev.s3llm.spring.tracing")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.springframework..");

  @ArchTest
  static final ArchRule metricsTracingAndHealth_knowTheRootOnly =
      noClasses()
          .that()
          .resideInAnyPackage(
              "dev.s3llm.spring.metrics", "dev.s3llm.spring.tracing", "dev.s3llm.spring.health")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.s3llm.spring.autoconfigure", "dev.s3llm.spring.internal");

  @ArchTest
  static final ArchRule starter_needsNoWebFramework =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.springframework.web..", "org.springframework.http..", "reactor..");

  @ArchTest
  static final ArchRule internal_isNotPublic =
      classes().that().resideInAPackage("dev.s3llm.spring.internal").should().notBePublic();
}
