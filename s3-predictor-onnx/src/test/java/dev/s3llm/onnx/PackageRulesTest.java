package dev.s3llm.onnx;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The dependencies that the package-info of this module's package allows. */
@AnalyzeClasses(packages = "dev.s3llm.onnx", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  private static final DescribedPredicate<JavaClass> LIBRARIES =
      resideInAnyPackage(
          "ai.onnxruntime..",
          "com.fasterxml..",
          "com.google..",
          "org.slf4j..",
          "dev.s3llm.support..",
          "dev.s3llm.text..");

  private static final DescribedPredicate<JavaMember> PUBLIC_API =
      DescribedPredicate.describe(
          "public in a public class",
          member ->
              member.getModifiers().contains(JavaModifier.PUBLIC)
                  && member.getOwner().getModifiers().contains(JavaModifier.PUBLIC));

  @ArchTest
  static final ArchRule onnx_knowsWhatItsPackageInfoNames =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.s3llm.onnx",
              "dev.s3llm.predict",
              "dev.s3llm.support",
              "dev.s3llm.model",
              "dev.s3llm.text.internal.tokenizer",
              "ai.onnxruntime..",
              "com.fasterxml.jackson..",
              "com.google.common..",
              "java..",
              "org.jspecify..",
              "org.slf4j..");

  @ArchTest
  static final ArchRule oneClass_opensTokenizers =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName("dev.s3llm.onnx.PromptEncoder")
          .should()
          .accessClassesThat()
          .resideInAnyPackage("dev.s3llm.text..", "ai.djl..");

  @ArchTest
  static final ArchRule oneClass_runsOnnxRuntime =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName("dev.s3llm.onnx.OnnxSession")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.onnxruntime..");

  @ArchTest
  static final ArchRule api_showsNoLibrary =
      noCodeUnits()
          .that(PUBLIC_API)
          .should()
          .haveRawReturnType(LIBRARIES)
          .orShould()
          .haveRawParameterTypes(anyElementThat(LIBRARIES));
}
