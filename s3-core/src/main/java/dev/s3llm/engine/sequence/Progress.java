package dev.s3llm.engine.sequence;

import org.jspecify.annotations.Nullable;

/**
 * How far the computation of a sequence is: its tokens in KV, its part in the latest step, and the
 * slots and steps that the executor has reported. Not thread-safe; the executor reads {@link
 * #stepStart}, {@link #stepTokens} and {@link #stepSamples} while a step is in flight.
 */
final class Progress {
  private final int promptTokens;

  /** Whether the prompt has an opaque input, so that one step must compute all of it. */
  private final boolean wholePrompt;

  private int generated;

  /** Tokens in device KV, those that the step in flight writes included. */
  private int kvTokens;

  private int swappedTokens;

  /** Tokens of a waiting sequence whose KV others have computed. */
  private int reusableTokens;

  // the sequence's part in the latest step
  private int stepStart;
  private int stepTokens;
  private boolean stepSamples;

  /** Whether that step is in flight and is expected to commit a token. */
  private boolean tokenPending;

  /** Slots that the executor has reported for the next step, or for a canvas; 0 for none. */
  private int slots;

  /** Set if KV does not grow step by step. */
  private @Nullable Canvas canvas;

  /** Steps since the latest admission that sampled and committed no token. */
  private int silentSteps;

  Progress(int promptTokens, boolean wholePrompt) {
    this.promptTokens = promptTokens;
    this.wholePrompt = wholePrompt;
  }

  // ---- what happens

  /** Records an admission: swapped and reusable tokens count as device KV from now on. */
  void admitted() {
    kvTokens = Math.max(swappedTokens, reusableTokens);
    swappedTokens = 0;
    reusableTokens = 0;
    silentSteps = 0;
  }

  /** Sets that KV does not grow step by step; see {@link Canvas}. */
  void fixSlots(int usualPasses) {
    canvas = new Canvas(usualPasses);
  }

  /** Records that a step, which starts now, computes so many positions. */
  void startStep(int count) {
    stepStart = kvTokens;
    stepTokens = count;
    int end = stepStart + count;
    Canvas decoded = canvas;
    if (decoded == null || !decoded.used()) {
      int context = contextTokens();
      kvTokens = Math.min(end, context);
      stepSamples = end >= context;
      slots = 0;
      tokenPending = stepSamples;
    } else if (stepStart < promptTokens) {
      kvTokens = end;
      stepSamples = end == promptTokens;
    } else {
      stepSamples = true;
      decoded.passStarts(end);
    }
  }

  /** Records what a step reports, before its tokens are appended; see {@link Sequence#stepped}. */
  boolean stepped(int count, int reportedSlots, int stepsLeft) {
    boolean assumed = count == (tokenPending ? 1 : 0);
    tokenPending = false;
    silentSteps = count > 0 ? 0 : silentSteps + 1;
    Canvas decoded = canvas;
    boolean asExpected = true;
    if (decoded != null) {
      boolean expectedCanvas = decoded.used();
      asExpected = decoded.report(reportedSlots > 0, stepsLeft);
      if (decoded.used()) {
        asExpected &= expectedCanvas && (reportedSlots == 0 || reportedSlots == slots);
        slots = Math.max(slots, reportedSlots);
        kvTokens = Math.min(kvTokens, promptTokens);
        return assumed && asExpected;
      }
      asExpected &= !expectedCanvas;
    }
    slots = reportedSlots;
    kvTokens = promptTokens + generated + Math.max(0, count - 1);
    return assumed && asExpected && reportedSlots == 0;
  }

  /** Records a token that the step commits. */
  void appended() {
    generated++;
    tokenPending = false;
  }

  /** Records that the device blocks are lost; {@code swapped} if their KV is copied to the host. */
  void preempted(boolean swapped) {
    swappedTokens = swapped ? kvTokens : 0;
    kvTokens = 0;
    if (canvas != null && canvas.reported()) {
      canvas.startsOver(); // its slots stay: the canvas will be at least as large again
    } else {
      slots = 0;
    }
  }

  /** Records that the swapped copy is lost. */
  void dropSwapped() {
    swappedTokens = 0;
  }

  /** Sets the tokens of a waiting sequence whose KV others have computed. */
  void setReusable(int tokens) {
    reusableTokens = tokens;
  }

  /** Sets the tokens in device KV, for tests. */
  void setKvTokens(int tokens) {
    kvTokens = tokens;
  }

  // ---- how far it is

  /** Returns the tokens that were committed. */
  int committed() {
    return generated;
  }

  /**
   * Returns the generated tokens, the one that the step in flight is expected to commit included.
   */
  int generated() {
    return generated + (tokenPending ? 1 : 0);
  }

  int kvTokens() {
    return kvTokens;
  }

  int swappedTokens() {
    return swappedTokens;
  }

  int reusableTokens() {
    return reusableTokens;
  }

  int stepStart() {
    return stepStart;
  }

  int stepTokens() {
    return stepTokens;
  }

  boolean stepSamples() {
    return stepSamples;
  }

  int silentSteps() {
    return silentSteps;
  }

  boolean slotsFixed() {
    return canvas != null;
  }

  boolean usesCanvas() {
    return canvas != null && canvas.used();
  }

  boolean canvasReported() {
    return canvas != null && canvas.reported();
  }

  /** Returns the positions of the largest canvas that a pass has computed; 0 for none. */
  int canvasSlots() {
    return canvas == null ? 0 : Math.max(0, canvas.usedSlots() - promptTokens);
  }

  /** Returns the passes over a canvas in the sequence's life. */
  int canvasPasses() {
    return canvas == null ? 0 : canvas.allPasses();
  }

  // ---- what comes next

  /** Returns the slots that the next step needs. */
  int slotsNeeded() {
    return Math.max(contextTokens(), slots);
  }

  /** Returns the positions that the next step computes if nothing limits it. */
  int nextStepTokens() {
    int computed = computed();
    return (usesCanvas() && computed < promptTokens ? promptTokens : slotsNeeded()) - computed;
  }

  /** Returns the positions that the next step must compute at least. */
  int leastStepTokens() {
    int computed = computed();
    if (computed < promptTokens) {
      return wholePrompt ? promptTokens - computed : 1;
    }
    return usesCanvas() ? nextStepTokens() : 1;
  }

  private int computed() {
    return Math.max(kvTokens, Math.max(swappedTokens, reusableTokens));
  }

  /** Returns whether the next step decodes. */
  boolean decodes() {
    return usesCanvas() ? kvTokens >= promptTokens : contextTokens() - kvTokens <= 1;
  }

  /** Returns the steps that a canvas takes until its end, the prefill included; at least 1. */
  double canvasStepsLeft() {
    int passes = canvas == null ? 0 : canvas.passesLeft();
    return Math.max(1, passes + (kvTokens < promptTokens ? 1 : 0));
  }

  /** Returns the positions to compute again if the device blocks are lost without a copy. */
  int recomputeTokens() {
    if (canvas == null || !canvas.used()) {
      return kvTokens;
    }
    long passed = (long) canvas.passes() * Math.max(0, slots - promptTokens);
    return (int) Math.min(Integer.MAX_VALUE, kvTokens + passed);
  }

  private int contextTokens() {
    return promptTokens + generated();
  }
}
