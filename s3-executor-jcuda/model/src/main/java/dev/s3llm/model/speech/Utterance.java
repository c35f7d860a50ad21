package dev.s3llm.model.speech;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.support.Guard;
import org.jspecify.annotations.Nullable;

/**
 * What the executor keeps of a sequence whose recording is encoded: the strategy and its canvas.
 * Not thread-safe.
 */
final class Utterance {
  private final SpeechInput input;
  private final CanvasStrategy strategy;
  private final Canvas canvas;

  /** Replaced when a step has another number of rows than the one before. */
  private int[] causalRows = new int[1];

  /**
   * Creates the state after the encoder has run. Without a CTC character the text is empty, and no
   * pass is made: the decoder was never trained on such recordings.
   *
   * @param config the model's shape
   * @param input the recording
   * @param ctc the CTC branch's reading
   * @param limit output limit of the request, in tokens
   * @param passes number of passes of the strategy
   */
  Utterance(SpeechConfig config, SpeechInput input, CtcText ctc, int limit, int passes) {
    this.input = input;
    this.strategy = CanvasStrategy.of(input.decoding().strategy());
    this.canvas = new Canvas(config, limit, passes);
    if (ctc.ids().length == 0) {
      canvas.finish();
    } else {
      strategy.begin(canvas, ctc);
    }
  }

  /** Returns the canvas. */
  Canvas canvas() {
    return canvas;
  }

  /**
   * Returns the rows of a step: the canvas, or in causal mode the positions of the step after the
   * input; null if the step needs none.
   */
  @Nullable CanvasPass pass(SequenceStep step) {
    if (canvas.finished()) {
      return null;
    }
    if (!strategy.causal()) {
      return step.startPosition() == 0 ? null : new CanvasPass(step, canvas.ids(), 0, false);
    }
    int from = Math.max(step.startPosition(), input.slots());
    int count = step.startPosition() + step.tokenCount() - from;
    if (causalRows.length != count) {
      causalRows = new int[count];
    }
    for (int i = 0; i < count; i++) {
      causalRows[i] = step.token(from + i);
    }
    return new CanvasPass(step, causalRows, from - input.slots(), true);
  }

  /**
   * Applies the logits of a step that samples.
   *
   * @return what the listener threw, or null
   */
  @Nullable Throwable fill(SequenceStep step, Scores scores) {
    if (strategy.causal()) {
      while (canvas.settled() < step.committedTokens()) { // the text from before a preemption
        canvas.append(step.token(step.promptTokens() + canvas.settled()));
      }
    }
    canvas.passMade();
    strategy.fill(canvas, scores);
    CanvasListener listener = input.listener();
    return listener == null || canvas.size() == 0
        ? null
        : Guard.run(() -> listener.passed(state()));
  }

  private CanvasListener.CanvasState state() {
    return new CanvasListener.CanvasState(
        canvas.allPasses(),
        canvas.passes(),
        canvas.doublings(),
        canvas.length(),
        canvas.ids().clone(),
        canvas.confidences().clone());
  }

  /** Returns how many tokens the step commits: what has settled since, and then the end. */
  int committing(SequenceStep step) {
    int characters = Math.max(0, canvas.settled() - step.committedTokens());
    return characters + (canvas.finished() ? 1 : 0);
  }

  /** Writes the tokens that the step commits to an array. */
  void commit(SequenceStep step, int[] tokens, int at, int count) {
    int characters = Math.min(count, canvas.settled() - step.committedTokens());
    System.arraycopy(canvas.ids(), step.committedTokens(), tokens, at, characters);
    if (characters < count) {
      tokens[at + characters] = canvas.endId();
    }
  }

  /** Returns the KV slots for the next step; 0 if none are needed beyond the context. */
  int slots(SequenceStep step) {
    return canvas.finished() || canvas.size() == 0 ? 0 : step.promptTokens() + canvas.size();
  }

  /** Returns the passes that are expected to follow; 0 if unknown. */
  int passesLeft() {
    return canvas.finished() ? 0 : strategy.passesLeft(canvas);
  }
}
