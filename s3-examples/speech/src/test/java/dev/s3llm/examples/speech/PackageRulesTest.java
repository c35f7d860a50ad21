package dev.s3llm.examples.speech;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rules that the package-infos of this example state. */
@AnalyzeClasses(packages = "dev.s3llm.examples.speech", importOptions = DoNotIncludeTests.class)
final class PackageRulesTest {
  private static final String ROOT = "dev.s3llm.examples.speech.";

  @ArchTest
  static final ArchRule packages_formNoCycle =
      slices().matching(ROOT + "(*)..").should().beFreeOfCycles();

  @ArchTest static final ArchRule transcriber_knowsNoCommand = avoids("transcribe", "cli", "page");

  @ArchTest static final ArchRule page_knowsNoCommand = avoids("page", "cli", "measure");

  @ArchTest
  static final ArchRule measure_knowsNothingElse =
      avoids("measure", "cli", "page", "transcribe", "audio");

  private static ArchRule avoids(String name, String... others) {
    String[] packages = new String[others.length];
    for (int i = 0; i < others.length; i++) {
      packages[i] = ROOT + others[i] + "..";
    }
    return noClasses()
        .that()
        .resideInAPackage(ROOT + name + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(packages);
  }
}
