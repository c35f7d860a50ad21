package dev.s3llm.examples.speech.cli;

import dev.s3llm.model.speech.Decoding;
import picocli.CommandLine.Option;

/** Options that say how texts are decoded. */
final class DecodingOptions {
  @Option(
      names = "--strategy",
      paramLabel = "NAME",
      description =
          "easy-first, mask-predict, leftmost, left-to-right, ctc or mask-ctc (default:"
              + " ${DEFAULT-VALUE})",
      defaultValue = "easy-first")
  private StrategyChoice strategy = StrategyChoice.EASY_FIRST;

  @Option(
      names = "--passes",
      paramLabel = "K",
      description =
          "passes over the canvas, where the strategy has a choice (default: ${DEFAULT-VALUE})",
      defaultValue = "3")
  private int passes;

  @Option(
      names = "--passes-under-load",
      paramLabel = "K",
      description = "passes while other recordings wait for memory (default: as --passes)",
      defaultValue = "0")
  private int passesUnderLoad;

  /** Returns the name of the strategy. */
  String strategyName() {
    return strategy.toString();
  }

  /**
   * Returns the decoding.
   *
   * @throws UsageException if a number is out of range
   */
  Decoding decoding() {
    return SpeechOptions.decoding(strategy.strategy(), passes, passesUnderLoad);
  }
}
