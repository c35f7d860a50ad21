package dev.s3llm.examples.spark;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The dependencies that the package-info of the Spark job allows. */
@AnalyzeClasses(packages = "dev.s3llm.examples.spark", importOptions = DoNotIncludeTests.class)
final class SparkRulesTest {
  @ArchTest
  static final ArchRule job_usesTheLibraryAndSpark =
      classes()
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage(
                  "java..",
                  "scala..",
                  "org.apache.spark..",
                  "org.apache.hadoop..",
                  "org.jspecify..",
                  "picocli..",
                  "dev.s3llm",
                  "dev.s3llm.error..",
                  "dev.s3llm.execute..",
                  "dev.s3llm.observe..",
                  "dev.s3llm.predict..",
                  "dev.s3llm.onnx..",
                  "dev.s3llm.text..",
                  "dev.s3llm.cpu..",
                  "dev.s3llm.jcuda",
                  "dev.s3llm.examples.model..",
                  "dev.s3llm.examples.spark.."));

  @ArchTest
  static final ArchRule job_usesNoInternalsOfSpark =
      noClasses()
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(
                  "org.apache.spark.sql.catalyst..",
                  "org.apache.spark.sql.execution..",
                  "org.apache.spark.sql.internal.."));

  @ArchTest
  static final ArchRule executorEngine_aloneNamesExecutors =
      noClasses()
          .that()
          .doNotHaveSimpleName("ExecutorEngine")
          .should()
          .dependOnClassesThat(resideInAnyPackage("dev.s3llm.cpu..", "dev.s3llm.jcuda.."));

  @ArchTest
  static final ArchRule sparkGenerate_aloneUsesPicocli =
      noClasses()
          .that()
          .doNotHaveSimpleName("SparkGenerate")
          .should()
          .dependOnClassesThat(resideInAPackage("picocli.."));
}
