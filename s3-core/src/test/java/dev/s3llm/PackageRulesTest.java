package dev.s3llm;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Set;
import java.util.stream.Stream;

/** Rules that the packages of this module keep. */
@AnalyzeClasses(packages = "dev.s3llm", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {

  private static final DescribedPredicate<JavaClass> GUAVA =
      resideInAPackage("com.google.common..");

  private static final DescribedPredicate<JavaMember> PART_OF_THE_API =
      DescribedPredicate.describe(
          "part of the API",
          member ->
              isVisible(member.getModifiers()) && isVisible(member.getOwner().getModifiers()));

  @ArchTest
  static final ArchRule packages_formNoCycle =
      slices().matching("dev.s3llm.(*)..").should().beFreeOfCycles().allowEmptyShould(true);

  @ArchTest
  static final ArchRule enginePackages_formNoCycle =
      slices().matching("dev.s3llm.engine.(*)..").should().beFreeOfCycles();

  @ArchTest static final ArchRule error_knowsNothing = knowsOnly("error");

  @ArchTest static final ArchRule support_knowsNothing = knowsOnly("support");

  @ArchTest
  static final ArchRule predict_knowsErrorsAlone = knowsOnly("predict", "error", "support");

  @ArchTest
  static final ArchRule execute_knowsErrorsAlone = knowsOnly("execute", "error", "support");

  @ArchTest
  static final ArchRule schedule_knowsPredict = knowsOnly("schedule", "predict", "support");

  @ArchTest
  static final ArchRule memory_knowsScheduleAndPredict =
      knowsOnly("memory", "schedule", "predict", "support");

  @ArchTest
  static final ArchRule recover_knowsWhatItNeeds =
      knowsOnly("recover", "schedule", "predict", "execute", "support");

  @ArchTest
  static final ArchRule observe_knowsWhatItNeeds =
      knowsOnly("observe", "error", "predict", "recover", "schedule");

  @ArchTest static final ArchRule stream_knowsSupport = knowsOnly("stream", "support");

  @ArchTest
  static final ArchRule sequences_knowNothingOfTheEngine =
      noEngineClassesOf("sequence", "loop", "plan", "feedback", "record", "monitor");

  @ArchTest
  static final ArchRule plans_knowSequencesAndFeedback =
      noEngineClassesOf("plan", "loop", "record", "monitor");

  @ArchTest
  static final ArchRule feedback_knowsSequences =
      noEngineClassesOf("feedback", "loop", "plan", "record", "monitor");

  @ArchTest
  static final ArchRule records_knowSequences =
      noEngineClassesOf("record", "loop", "plan", "feedback", "monitor");

  @ArchTest static final ArchRule loop_knowsNoMonitor = noEngineClassesOf("loop", "monitor");

  @ArchTest
  static final ArchRule rootAndEngine_areKnownToSimulateOnly =
      noClasses()
          .that()
          .resideOutsideOfPackages("dev.s3llm", "dev.s3llm.engine..", "dev.s3llm.simulate..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.s3llm", "dev.s3llm.engine..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule parameters_showNoGuavaType =
      noCodeUnits()
          .that(PART_OF_THE_API)
          .should()
          .haveRawParameterTypes(anyElementThat(GUAVA))
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule results_showNoGuavaType =
      noCodeUnits().that(PART_OF_THE_API).should().haveRawReturnType(GUAVA).allowEmptyShould(true);

  @ArchTest
  static final ArchRule fields_showNoGuavaType =
      noFields().that(PART_OF_THE_API).should().haveRawType(GUAVA).allowEmptyShould(true);

  private static ArchRule noEngineClassesOf(String name, String... forbidden) {
    String[] packages =
        Stream.of(forbidden)
            .map(other -> "dev.s3llm.engine." + other + "..")
            .toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage("dev.s3llm.engine." + name + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(packages);
  }

  private static ArchRule knowsOnly(String name, String... others) {
    String itself = "dev.s3llm." + name + "..";
    String[] known =
        Stream.concat(Stream.of(name), Stream.of(others))
            .map(other -> "dev.s3llm." + other + "..")
            .toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage(itself)
        .should()
        .dependOnClassesThat(resideInAPackage("dev.s3llm..").and(resideOutsideOfPackages(known)))
        .allowEmptyShould(true);
  }

  private static boolean isVisible(Set<JavaModifier> modifiers) {
    return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
  }
}
