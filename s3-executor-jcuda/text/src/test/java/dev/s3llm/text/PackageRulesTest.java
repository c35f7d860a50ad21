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
import java.util.regex.Pattern;

/** The dependencies that the package-info of this module's packages allow. */
@AnalyzeClasses(packages = "dev.s3llm.text", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  private static final String API = "dev.s3llm.text";
  private static final String TEMPLATE = "dev.s3llm.text.internal.template";
  private static final String JINJA = "dev.s3llm.text.internal.jinja";
  private static final String TOKENIZER = "dev.s3llm.text.internal.tokenizer";

  private static final DescribedPredicate<JavaClass> INTERNALS_AND_LIBRARIES =
      resideInAnyPackage(
          "dev.s3llm.text.internal..",
          "dev.s3llm.stream..",
          "dev.s3llm.support..",
          "com.fasterxml..",
          "com.google..",
          "ai.djl..");

  /** The one part of the executor's interface that text makes: rules of the next token. */
  private static final DescribedPredicate<JavaClass> TOKEN_CONSTRAINT =
      DescribedPredicate.describe(
          "a token constraint",
          type -> type.getName().startsWith("dev.s3llm.execute.SequenceStep"));

  private static final DescribedPredicate<JavaMember> PUBLIC_API =
      DescribedPredicate.describe(
          "public in a public class of the API",
          member ->
              member.getModifiers().contains(JavaModifier.PUBLIC)
                  && member.getOwner().getModifiers().contains(JavaModifier.PUBLIC)
                  && member.getOwner().getPackageName().equals(API));

  @ArchTest
  static final ArchRule packages_formNoCycle =
      slices().matching("dev.s3llm.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule text_knowsNoExecutor =
      noClasses()
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("dev.s3llm.cpu..", "dev.s3llm.jcuda..", "dev.s3llm.execute..")
                  .and(DescribedPredicate.not(TOKEN_CONSTRAINT)));

  @ArchTest
  static final ArchRule api_usesTheLibrariesThroughTheInternals =
      noClasses()
          .that()
          .resideInAPackage(API)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("com.fasterxml..", "ai.djl..");

  @ArchTest
  static final ArchRule tokenizer_knowsTheModelAlone =
      classes()
          .that()
          .resideInAPackage(TOKENIZER)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              TOKENIZER,
              "dev.s3llm.model..",
              "ai.djl.huggingface..",
              "com.fasterxml.jackson..",
              "com.google.common..",
              "java..",
              "org.jspecify..",
              "org.slf4j..");

  @ArchTest
  static final ArchRule jinja_usesTheJdkAlone =
      classes()
          .that()
          .resideInAPackage(JINJA)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(JINJA, "java..", "org.jspecify..");

  @ArchTest
  static final ArchRule template_knowsJinjaAndTheModel =
      classes()
          .that()
          .resideInAPackage(TEMPLATE)
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              TEMPLATE,
              JINJA,
              "dev.s3llm.model..",
              "com.fasterxml.jackson..",
              "java..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule oneClass_opensTheTokenizerLibrary =
      noClasses()
          .that()
          .haveNameNotMatching(Pattern.quote(TOKENIZER + ".TextTokenizer") + "(\\$.*)?")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.djl..");

  @ArchTest
  static final ArchRule api_showsNeitherInternalsNorLibraries =
      noCodeUnits()
          .that(PUBLIC_API)
          .should()
          .haveRawReturnType(INTERNALS_AND_LIBRARIES)
          .orShould()
          .haveRawParameterTypes(anyElementThat(INTERNALS_AND_LIBRARIES));
}
