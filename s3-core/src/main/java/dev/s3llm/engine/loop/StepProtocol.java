package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.StepResult;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The check of a step's result against its batch. */
final class StepProtocol {
  private StepProtocol() {}

  /** Returns what is wrong with a result, or null if it fits its step. */
  static @Nullable String violation(StepInFlight step, StepResult result, int vocabularySize) {
    int[] tokens = result.tokens();
    List<Sequence> sequences = step.sequences();
    int expected = sequences.size();
    if (tokens.length != expected) {
      return "%d results for %d sequences".formatted(tokens.length, expected);
    }
    for (int i = 0; i < expected; i++) {
      boolean failed = !result.failures().isEmpty() && result.failures().containsKey(i);
      boolean samples = sequences.get(i).samples() && !failed;
      boolean inVocabulary = tokens[i] >= 0 && tokens[i] < vocabularySize;
      if (samples && !inVocabulary) {
        return "token %d of sequence %d is not in [0, %d)".formatted(tokens[i], i, vocabularySize);
      }
      if (!samples && tokens[i] != StepResult.NO_TOKEN) {
        return "token %d for sequence %d, which samples none".formatted(tokens[i], i);
      }
    }
    for (Integer index : result.failures().keySet()) {
      if (index < 0 || index >= expected) {
        return "failure of sequence %d of %d".formatted(index, expected);
      }
    }
    return null;
  }
}
