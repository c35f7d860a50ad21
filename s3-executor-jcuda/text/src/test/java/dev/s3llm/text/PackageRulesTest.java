package dev.s3llm.text;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The dependencies that the package-info of this module's packages allow. */
@AnalyzeClasses(packages = "dev.s3llm.text", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  private static final DescribedPredicate<JavaClass> LIBRARIES =
      resideInAnyPackage(
          "com.hubspot..", "jinjava..", "com.fasterxml..", "com.google..", "ai.djl..");

  private static final DescribedPredicate<JavaMember> PUBLIC_API =
      DescribedPredicate.describe(
          "public in a public class",
          member ->
              member.getModifiers().contains(JavaModifier.PUBLIC)
                  && member.getOwner().getModifiers().contains(JavaModifier.PUBLIC));

  @ArchTest
  static final ArchRule packages_formNoCycle =
      slices().matching("dev.s3llm.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule text_knowsNoExecutor =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.s3llm.cpu..", "dev.s3llm.jcuda..", "dev.s3llm.execute..");

  @ArchTest
  static final ArchRule tokenizer_knowsTheModelAlone =
      classes()
          .that()
          .resideInAPackage("dev.s3llm.text.tokenizer")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.s3llm.text.tokenizer",
              "dev.s3llm.model..",
              "ai.djl.huggingface..",
              "com.fasterxml.jackson..",
              "com.google.common..",
              "java..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule template_knowsTheTokenizer =
      noClasses()
          .that()
          .resideInAPackage("dev.s3llm.text.template")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.s3llm", "dev.s3llm.text", "ai.djl..");

  @ArchTest
  static final ArchRule api_showsNoLibrary =
      noCodeUnits()
          .that(PUBLIC_API)
          .should()
          .haveRawReturnType(LIBRARIES)
          .orShould()
          .haveRawParameterTypes(anyElementThat(LIBRARIES));
}
