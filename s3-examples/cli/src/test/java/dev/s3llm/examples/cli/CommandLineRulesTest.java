package dev.s3llm.examples.cli;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;

/** The dependencies that the package-infos of the command line allow. */
@AnalyzeClasses(packages = "dev.s3llm.examples.cli", importOptions = DoNotIncludeTests.class)
final class CommandLineRulesTest {
  private static final String ROOT = "dev.s3llm.examples.cli.";

  @ArchTest static final ArchRule support_usesNoOtherPackage = usesOnly("support");

  @ArchTest static final ArchRule options_useSupport = usesOnly("options", "support");

  @ArchTest static final ArchRule lab_usesSupport = usesOnly("lab", "support");

  @ArchTest
  static final ArchRule simulation_usesOptions = usesOnly("simulation", "options", "support");

  @ArchTest
  static final ArchRule generate_usesNoCommand = usesOnly("generate", "options", "support");

  @ArchTest static final ArchRule predict_usesNoCommand = usesOnly("predict", "options", "support");

  @ArchTest
  static final ArchRule replay_usesNoCommand = usesOnly("replay", "simulation", "lab", "support");

  @ArchTest
  static final ArchRule capacity_usesNoCommand = usesOnly("capacity", "simulation", "support");

  @ArchTest
  static final ArchRule bench_usesNoCommand = usesOnly("bench", "simulation", "options", "support");

  @ArchTest static final ArchRule soak_usesNoCommand = usesOnly("soak", "options", "support");

  @ArchTest static final ArchRule devices_useNoOtherPackage = usesOnly("devices");

  @ArchTest static final ArchRule inspect_usesSupport = usesOnly("inspect", "support");

  @ArchTest static final ArchRule score_usesOptions = usesOnly("score", "options", "support");

  @ArchTest static final ArchRule template_usesSupport = usesOnly("template", "support");

  @ArchTest static final ArchRule tokenize_usesSupport = usesOnly("tokenize", "support");

  @ArchTest
  static final ArchRule packages_formNoCycle =
      slices().matching(ROOT + "(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule simulations_runNoModel =
      noClasses()
          .that()
          .resideInAnyPackage(ROOT + "lab..", ROOT + "replay..", ROOT + "capacity..")
          .should()
          .dependOnClassesThat(
              resideOutsideOfPackages("dev.s3llm.examples.cli..")
                  .and(
                      resideInAnyPackage("dev.s3llm.jcuda..", "dev.s3llm.cpu..", "dev.s3llm.text..")
                          .or(resideInAPackage("dev.s3llm.onnx.."))
                          .or(resideInAPackage("dev.s3llm.examples.."))));

  /** Allows a package to depend on itself and on the named packages of the command line. */
  private static ArchRule usesOnly(String name, String... others) {
    String[] allowed =
        Arrays.stream(others).map(other -> ROOT + other + "..").toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage(ROOT + name + "..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("dev.s3llm.examples.cli..")
                .and(resideOutsideOfPackages(ROOT + name + ".."))
                .and(resideOutsideOfPackages(allowed)));
  }
}
