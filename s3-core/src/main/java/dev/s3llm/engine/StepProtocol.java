package dev.s3llm.engine;

import dev.s3llm.execute.StepResult;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Checks that an executor answered what it was asked. */
final class StepProtocol {
  private StepProtocol() {}

  /** What is wrong with a result, or null. */
  static @Nullable String violation(StepInFlight step, StepResult result, int vocabularySize) {
    int[] tokens = result.tokens();
    int expected = step.sequences.size();
    if (tokens == null || result.failures() == null) {
      return "a result without " + (tokens == null ? "tokens" : "failures");
    }
    if (tokens.length != expected) {
      return "%d results for %d sequences".formatted(tokens.length, expected);
    }
    for (int i = 0; i < expected; i++) {
      boolean failed = !result.failures().isEmpty() && result.failures().containsKey(i);
      boolean samples = step.sequences.get(i).samples() && !failed;
      boolean inVocabulary = tokens[i] >= 0 && tokens[i] < vocabularySize;
      if (samples && !inVocabulary) {
        return "token %d of sequence %d is not in [0, %d)".formatted(tokens[i], i, vocabularySize);
      }
      if (!samples && tokens[i] != StepResult.NO_TOKEN) {
        return "token %d for sequence %d, which samples none".formatted(tokens[i], i);
      }
    }
    return badFailure(result, expected);
  }

  private static @Nullable String badFailure(StepResult result, int expected) {
    for (Map.Entry<Integer, Throwable> failure : result.failures().entrySet()) {
      Integer index = failure.getKey();
      if (index == null || index < 0 || index >= expected) {
        return "failure of sequence %d of %d".formatted(index, expected);
      }
      if (failure.getValue() == null) {
        return "failure of sequence %d without a cause".formatted(index);
      }
    }
    return null;
  }
}
