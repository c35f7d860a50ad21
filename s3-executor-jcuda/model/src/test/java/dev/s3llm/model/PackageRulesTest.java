package dev.s3llm.model;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The dependencies that the package-info of this module's packages allow. */
@AnalyzeClasses(packages = "dev.s3llm.model", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  private static final String SPEECH = "dev.s3llm.model.speech";

  private static final DescribedPredicate<JavaMember> PUBLIC_API =
      DescribedPredicate.describe(
          "public in dev.s3llm.model",
          member ->
              member.getModifiers().contains(JavaModifier.PUBLIC)
                  && member.getOwner().getModifiers().contains(JavaModifier.PUBLIC)
                  && member.getOwner().getPackageName().equals("dev.s3llm.model"));

  @ArchTest
  static final ArchRule model_knowsJacksonAndTheSettingsOfTheCore =
      classes()
          .that()
          .resideOutsideOfPackage(SPEECH)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.s3llm.model..",
              "dev.s3llm.support",
              "com.fasterxml.jackson..",
              "java..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule speech_alsoKnowsTheExecutorInterface =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.s3llm.model..",
              "dev.s3llm.execute",
              "dev.s3llm.support",
              "com.fasterxml.jackson..",
              "java..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule api_showsNoJackson =
      noCodeUnits()
          .that(PUBLIC_API)
          .should()
          .haveRawReturnType(resideInAPackage("com.fasterxml.jackson.."))
          .orShould()
          .haveRawParameterTypes(anyElementThat(resideInAPackage("com.fasterxml.jackson..")));
}
