package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the next step does. A plan counts blocks and tokens; it moves none. Blocks change hands when
 * the engine launches the plan. Reused from step to step. Not thread-safe.
 */
public final class StepPlan {
  private final List<Decision.Admit> admissions = new ArrayList<>();
  private final List<Decision.Grow> growths = new ArrayList<>();
  private final List<Decision.Preempt> preemptions = new ArrayList<>();
  private final List<Sequence> stalls = new ArrayList<>();
  private final List<Sequence> work = new ArrayList<>();
  private int[] workTokens = new int[16];
  private Decision.@Nullable Defer deferral;
  private int availableBlocks;
  private int tokensLeft;
  private int sequencesLeft;

  /** Creates an empty plan; {@link #reset} it before use. */
  public StepPlan() {}

  /** Empties the plan for a step with this much memory, this token budget and this batch limit. */
  public void reset(int availableBlocks, int tokenBudget, int maxSequences) {
    admissions.clear();
    growths.clear();
    preemptions.clear();
    stalls.clear();
    work.clear();
    deferral = null;
    this.availableBlocks = availableBlocks;
    this.tokensLeft = tokenBudget;
    this.sequencesLeft = maxSequences;
  }

  /** Blocks that are still available. */
  public int availableBlocks() {
    return availableBlocks;
  }

  /** Tokens that the step can still take. */
  public int tokensLeft() {
    return tokensLeft;
  }

  /** Sequences that the step can still take. */
  public int sequencesLeft() {
    return sequencesLeft;
  }

  /** Lets a sequence compute its next tokens: one for a decode, more for a prefill chunk. */
  public void compute(Sequence sequence, int tokens) {
    if (work.size() == workTokens.length) {
      workTokens = Arrays.copyOf(workTokens, 2 * workTokens.length);
    }
    workTokens[work.size()] = tokens;
    work.add(sequence);
    tokensLeft -= tokens;
    sequencesLeft--;
  }

  /** Starts a waiting sequence. */
  public void admit(Decision.Admit admit) {
    admissions.add(admit);
    availableBlocks -= admit.reservedBlocks();
  }

  /** Enlarges a running sequence's reservation. */
  public void grow(Decision.Grow grow) {
    growths.add(grow);
    availableBlocks -= grow.reservedBlocks() - grow.sequence().reservedBlocks();
  }

  /** Takes a running sequence's blocks away, and what this plan had granted it. */
  public void preempt(Decision.Preempt preempt) {
    preemptions.add(preempt);
    int held = preempt.sequence().reservedBlocks();
    for (int i = growths.size() - 1; i >= 0; i--) {
      if (growths.get(i).sequence() == preempt.sequence()) {
        held = growths.remove(i).reservedBlocks();
      }
    }
    availableBlocks += held;
  }

  /** Leaves a running sequence out of the step: it keeps its blocks and waits for one more. */
  public void stall(Sequence sequence) {
    stalls.add(sequence);
  }

  /** Notes why the first in line was left waiting. */
  public void defer(Decision.Defer defer) {
    if (deferral == null) {
      deferral = defer;
    }
  }

  /** Whether this plan preempts the sequence. */
  public boolean preempts(Sequence sequence) {
    for (Decision.Preempt preempt : preemptions) {
      if (preempt.sequence() == sequence) {
        return true;
      }
    }
    return false;
  }

  /** Whether this plan leaves the sequence out. */
  public boolean stalls(Sequence sequence) {
    return !stalls.isEmpty() && stalls.contains(sequence);
  }

  /** Whether there is nothing to do. */
  public boolean isEmpty() {
    return work.isEmpty() && preemptions.isEmpty();
  }

  /** Sequences that compute, in batch order. */
  public List<Sequence> work() {
    return Collections.unmodifiableList(work);
  }

  /** Tokens that the i-th of {@link #work} computes. */
  public int workTokens(int i) {
    return workTokens[i];
  }

  /** Sequences to start. */
  public List<Decision.Admit> admissions() {
    return Collections.unmodifiableList(admissions);
  }

  /** Reservations to enlarge. */
  public List<Decision.Grow> growths() {
    return Collections.unmodifiableList(growths);
  }

  /** Sequences to preempt. */
  public List<Decision.Preempt> preemptions() {
    return Collections.unmodifiableList(preemptions);
  }

  /** Running sequences that wait for a block. */
  public List<Sequence> stalls() {
    return Collections.unmodifiableList(stalls);
  }

  /** Why the first in line was left waiting, or null. */
  public Decision.@Nullable Defer deferral() {
    return deferral;
  }
}
