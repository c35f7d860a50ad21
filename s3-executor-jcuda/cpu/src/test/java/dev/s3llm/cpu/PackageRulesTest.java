package dev.s3llm.cpu;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The dependencies that the package-info of this module's packages allow. */
@AnalyzeClasses(packages = "dev.s3llm.cpu", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {

  @ArchTest
  static final ArchRule cpu_knowsCoreAndModelAlone =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.s3llm.cpu",
              "dev.s3llm.execute",
              "dev.s3llm.error",
              "dev.s3llm.model",
              "dev.s3llm.model.speech",
              "java..",
              "jdk.incubator.vector..",
              "org.jspecify..",
              "org.slf4j..");
}
