package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepResult;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The check of a step's result against its batch. */
final class StepProtocol {
  private StepProtocol() {}

  /** Returns what is wrong with a result, or null if it fits its step. */
  static @Nullable String violation(StepInFlight step, StepResult result, ExecutorProfile profile) {
    List<Sequence> sequences = step.sequences();
    if (result.sequences() != sequences.size()) {
      return "%d results for %d sequences".formatted(result.sequences(), sequences.size());
    }
    if (!result.consistent()) {
      return "slots or steps left have not one value for each of %d sequences"
          .formatted(sequences.size());
    }
    String violation =
        result.plain()
            ? plainViolation(sequences, result, profile.vocabularySize())
            : countedViolation(sequences, result, profile);
    return violation == null ? strayFailure(result, sequences.size()) : violation;
  }

  private static @Nullable String plainViolation(
      List<Sequence> sequences, StepResult result, int vocabularySize) {
    int[] tokens = result.tokens();
    for (int i = 0; i < tokens.length; i++) {
      boolean samples = sequences.get(i).samples() && !fails(result, i);
      boolean inVocabulary = tokens[i] >= 0 && tokens[i] < vocabularySize;
      if (samples && !inVocabulary && !(tokens[i] == StepResult.NO_TOKEN && goesOn(sequences, i))) {
        return "token %d of sequence %d is not in [0, %d)".formatted(tokens[i], i, vocabularySize);
      }
      if (!samples && tokens[i] != StepResult.NO_TOKEN) {
        return "token %d for sequence %d, which samples none".formatted(tokens[i], i);
      }
    }
    return null;
  }

  /** Returns whether a sequence has something to compute though the step commits nothing for it. */
  private static boolean goesOn(List<Sequence> sequences, int i) {
    return sequences.get(i).canvasReported();
  }

  private static @Nullable String countedViolation(
      List<Sequence> sequences, StepResult result, ExecutorProfile profile) {
    int[] tokens = result.tokens();
    int first = 0;
    for (int i = 0; i < sequences.size(); i++) {
      int count = result.count(i);
      if (count < 0 || count > tokens.length - first) {
        return "%d tokens of sequence %d, but %d are left"
            .formatted(count, i, tokens.length - first);
      }
      for (int j = first; j < first + count; j++) {
        if (tokens[j] < 0 || tokens[j] >= profile.vocabularySize()) {
          return "token %d of sequence %d is not in [0, %d)"
              .formatted(tokens[j], i, profile.vocabularySize());
        }
      }
      String violation = reportViolation(sequences.get(i), i, result, profile);
      if (violation != null) {
        return violation;
      }
      first += count;
    }
    return first == tokens.length
        ? null
        : "%d tokens, but the counts sum up to %d".formatted(tokens.length, first);
  }

  private static @Nullable String reportViolation(
      Sequence sequence, int i, StepResult result, ExecutorProfile profile) {
    int count = result.count(i);
    int slots = result.slots(i);
    if (!sequence.samples() || fails(result, i)) {
      return count == 0 && slots == 0 && result.stepsLeft(i) == 0
          ? null
          : "%d tokens and %d slots for sequence %d, which samples none".formatted(count, slots, i);
    }
    if (slots < 0 || slots > sequence.worstCaseTokens() || result.stepsLeft(i) < 0) {
      return "%d slots and %d steps left for sequence %d, which may have %d slots"
          .formatted(slots, result.stepsLeft(i), i, sequence.worstCaseTokens());
    }
    return sequence.slotsFixed()
        ? canvasViolation(sequence, i, count, slots, profile)
        : count == 0 && slots <= sequence.promptTokens() + sequence.committedTokens()
            ? nothingToDo(i, slots)
            : null;
  }

  private static @Nullable String canvasViolation(
      Sequence sequence, int i, int count, int slots, ExecutorProfile profile) {
    int canvas = slots - sequence.promptTokens();
    if (slots > 0 && (canvas < 1 || canvas > profile.maxTokensPerStep())) {
      return "%d slots for sequence %d are a canvas of %d, which must be from 1 to %d (a step)"
          .formatted(slots, i, canvas, profile.maxTokensPerStep());
    }
    return count == 0 && slots == 0 && !sequence.canvasReported() ? nothingToDo(i, slots) : null;
  }

  private static String nothingToDo(int i, int slots) {
    return "no token of sequence %d, which samples, and with %d slots nothing to compute"
        .formatted(i, slots);
  }

  private static boolean fails(StepResult result, int i) {
    return !result.failures().isEmpty() && result.failures().containsKey(i);
  }

  private static @Nullable String strayFailure(StepResult result, int sequences) {
    for (Integer index : result.failures().keySet()) {
      if (index < 0 || index >= sequences) {
        return "failure of sequence %d of %d".formatted(index, sequences);
      }
    }
    return null;
  }
}
