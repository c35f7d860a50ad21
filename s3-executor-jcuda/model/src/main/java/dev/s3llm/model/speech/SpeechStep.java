package dev.s3llm.model.speech;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One step: encodes the recordings that are new, makes one pass for the others. */
final class SpeechStep {
  private final SpeechState state;
  private final StepBatch batch;
  private final List<SequenceStep> sequences;
  private final @Nullable Utterance[] utterances;
  private final Map<Integer, Throwable> failures = new HashMap<>();

  /**
   * Creates the step.
   *
   * @param state what the executor keeps between steps
   * @param batch the sequences
   */
  SpeechStep(SpeechState state, StepBatch batch) {
    this.state = state;
    this.batch = batch;
    this.sequences = batch.sequences();
    this.utterances = new Utterance[sequences.size()];
  }

  /** Runs the step. */
  StepResult run() {
    state.device.copy(batch);
    encode();
    decode();
    return result();
  }

  private void encode() {
    List<Recording> recordings = new ArrayList<>();
    int[] indexes = new int[sequences.size()];
    for (int i = 0; i < sequences.size(); i++) {
      SequenceStep sequence = sequences.get(i);
      if (sequence.startPosition() > 0) {
        utterances[i] = state.utterances.get(sequence.sequenceId());
        fail(i, state.requests.problem(sequence, utterances[i]));
        continue;
      }
      state.utterances.remove(sequence.sequenceId());
      if (!fail(i, state.requests.problem(sequence))
          && sequence.input() instanceof SpeechInput input) {
        indexes[recordings.size()] = i;
        recordings.add(new Recording(sequence, input));
      }
    }
    if (!recordings.isEmpty()) {
      begin(recordings, state.device.encode(recordings), indexes);
    }
  }

  private void begin(List<Recording> recordings, List<CtcText> texts, int... indexes) {
    for (int r = 0; r < recordings.size(); r++) {
      SequenceStep sequence = recordings.get(r).sequence();
      SpeechInput input = recordings.get(r).input();
      int passes = state.passes.choose(input, batch.waiting());
      Utterance utterance =
          new Utterance(state.config, input, texts.get(r), sequence.maxNewTokens(), passes);
      state.utterances.put(sequence.sequenceId(), utterance);
      utterances[indexes[r]] = utterance;
    }
  }

  private void decode() {
    List<CanvasPass> passes = new ArrayList<>();
    int[] indexes = new int[sequences.size()];
    for (int i = 0; i < sequences.size(); i++) {
      Utterance utterance = utterances[i];
      CanvasPass pass =
          utterance == null || failures.containsKey(i) ? null : utterance.pass(sequences.get(i));
      if (pass != null) {
        indexes[passes.size()] = i;
        passes.add(pass);
      }
    }
    if (!passes.isEmpty()) {
      fill(passes, state.device.decode(passes), indexes);
    }
  }

  private void fill(List<CanvasPass> passes, float[] logits, int... indexes) {
    int row = 0;
    for (int p = 0; p < passes.size(); p++) {
      SequenceStep sequence = passes.get(p).sequence();
      int rows = passes.get(p).ids().length;
      Utterance utterance = utterances[indexes[p]];
      if (utterance != null && sequence.samples()) {
        state.scores.set(logits, row, rows);
        Throwable thrown = utterance.fill(sequence, state.scores);
        if (thrown != null) {
          failures.put(indexes[p], thrown);
        }
      }
      row += rows;
    }
  }

  private boolean fail(int index, @Nullable String problem) {
    if (problem != null) {
      failures.put(index, new IllegalArgumentException(problem));
    }
    return problem != null;
  }

  private StepResult result() {
    int[] counts = new int[sequences.size()];
    int[] slots = new int[counts.length];
    int[] stepsLeft = new int[counts.length];
    for (int i = 0; i < counts.length; i++) {
      Utterance utterance = utterances[i];
      if (utterance != null && !fail(i, state.requests.canvasProblem(utterance.canvas()))) {
        SequenceStep sequence = sequences.get(i);
        if (sequence.samples() && !failures.containsKey(i)) {
          counts[i] = utterance.committing(sequence);
          slots[i] = utterance.slots(sequence);
          stepsLeft[i] = utterance.passesLeft();
        }
      }
    }
    return StepResult.committing(tokens(counts), counts)
        .slots(slots)
        .stepsLeft(stepsLeft)
        .failures(failures)
        .build();
  }

  private int[] tokens(int... counts) {
    int[] tokens = new int[Arrays.stream(counts).sum()];
    int at = 0;
    for (int i = 0; i < counts.length; i++) {
      Utterance utterance = utterances[i];
      if (utterance != null && counts[i] > 0) {
        utterance.commit(sequences.get(i), tokens, at, counts[i]);
        at += counts[i];
      }
    }
    return tokens;
  }
}
