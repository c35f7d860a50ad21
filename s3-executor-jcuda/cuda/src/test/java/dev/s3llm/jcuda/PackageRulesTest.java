package dev.s3llm.jcuda;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
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
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import java.util.stream.Stream;

/** The dependencies that the package-info of this module's packages allow. */
@AnalyzeClasses(packages = "dev.s3llm.jcuda", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  private static final String INTERNAL = "dev.s3llm.jcuda.internal";
  private static final String[] BELOW = {"java..", "org.jspecify.."};

  private static final DescribedPredicate<JavaMember> PUBLIC_API =
      DescribedPredicate.describe(
          "public in dev.s3llm.jcuda",
          member ->
              member.getModifiers().contains(JavaModifier.PUBLIC)
                  && member.getOwner().getModifiers().contains(JavaModifier.PUBLIC)
                  && member.getOwner().getPackageName().equals("dev.s3llm.jcuda"));

  @ArchTest
  static final ArchRule internals_formNoCycle =
      slices().matching(INTERNAL + ".(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule driver_knowsJCudaAndNoOtherPackageOfOurs =
      only("driver", "jcuda..", "org.slf4j..");

  @ArchTest
  static final ArchRule jcuda_isKnownToTheDriverAndForPointersAlone =
      noClasses()
          .that()
          .resideOutsideOfPackage(INTERNAL + ".driver")
          .should()
          .dependOnClassesThat(
              resideInAPackage("jcuda..").and(DescribedPredicate.not(type(jcuda.Pointer.class))));

  @ArchTest
  static final ArchRule batch_knowsTheDriver =
      only(
          "batch",
          "com.google.common.collect",
          "dev.s3llm.execute",
          "dev.s3llm.support",
          INTERNAL + ".driver");

  @ArchTest
  static final ArchRule kv_knowsTheDriver =
      only("kv", "dev.s3llm.execute", "dev.s3llm.error", INTERNAL + ".driver", "jcuda");

  @ArchTest
  static final ArchRule speech_knowsTheDriverAndTheKvBlocks =
      only(
          "speech",
          "org.slf4j..",
          "dev.s3llm.execute",
          "dev.s3llm.error",
          "dev.s3llm.model",
          "dev.s3llm.model.speech",
          INTERNAL + ".driver",
          INTERNAL + ".kv",
          "jcuda");

  @ArchTest
  static final ArchRule decode_knowsTheOtherInternalsAndTwoTypesOfTheApi =
      classes()
          .that()
          .resideInAPackage(INTERNAL + ".decode")
          .should()
          .onlyDependOnClassesThat(
              JavaClass.Predicates.resideInAnyPackage(
                      "java..",
                      "org.jspecify..",
                      "org.slf4j..",
                      "jcuda",
                      "dev.s3llm.execute",
                      "dev.s3llm.error",
                      "dev.s3llm.model",
                      INTERNAL + "..")
                  .or(type(LoadProgress.class))
                  .or(type(StepTimes.class)));

  /** One typed method launches each kernel. */
  @ArchTest
  static final ArchRule kernels_areLaunchedByTypedMethodsAlone =
      noClasses()
          .that()
          .haveSimpleNameNotEndingWith("Kernels")
          .and()
          .doNotHaveSimpleName("MatrixProduct")
          .and()
          .doNotHaveSimpleName("KernelModule")
          .should()
          .callMethodWhere(
              DescribedPredicate.describe(
                  "it launches a kernel by its name",
                  call ->
                      call.getTargetOwner().isAssignableTo(KernelLauncher.class)
                          && call.getName().equals("launch")));

  @ArchTest
  static final ArchRule api_showsNoInternalType =
      noCodeUnits()
          .that(PUBLIC_API)
          .should()
          .haveRawReturnType(resideInAPackage(INTERNAL + ".."))
          .orShould()
          .haveRawParameterTypes(
              DescribedPredicate.anyElementThat(resideInAPackage(INTERNAL + "..")));

  private static ArchRule only(String name, String... others) {
    String[] allowed =
        Stream.of(Stream.of(BELOW), Stream.of(others), Stream.of(INTERNAL + "." + name))
            .flatMap(packages -> packages)
            .toArray(String[]::new);
    return classes()
        .that()
        .resideInAPackage(INTERNAL + "." + name)
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(allowed);
  }
}
