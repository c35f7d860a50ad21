package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The plan of a step: what it computes, admits, grows, preempts and stalls. A plan only counts
 * blocks and tokens; {@code StepLauncher} moves the blocks. Reused from step to step. Not
 * thread-safe.
 */
public final class StepPlan {
  private final List<Decision.Admit> admissions = new ArrayList<>();
  private final List<Decision.Grow> growths = new ArrayList<>();
  private final List<Decision.Preempt> preemptions = new ArrayList<>();
  private final List<Sequence> stalls = new ArrayList<>();
  private final List<Sequence> leftOut = new ArrayList<>(0);
  private final List<Sequence> work = new ArrayList<>();
  private int[] workTokens = new int[16];
  private Decision.@Nullable Defer deferral;
  private int availableBlocks;
  private int tokensLeft;
  private int sequencesLeft;

  /** Creates an empty plan; {@link #reset} it before use. */
  public StepPlan() {}

  /**
   * Empties the plan for a step.
   *
   * @param availableBlocks blocks that are not reserved
   * @param tokenBudget the most tokens that the step may compute
   * @param maxSequences the most sequences in the step
   */
  public void reset(int availableBlocks, int tokenBudget, int maxSequences) {
    admissions.clear();
    growths.clear();
    preemptions.clear();
    stalls.clear();
    leftOut.clear();
    work.clear();
    deferral = null;
    this.availableBlocks = availableBlocks;
    this.tokensLeft = tokenBudget;
    this.sequencesLeft = maxSequences;
  }

  /** Returns the blocks that are still available. */
  public int availableBlocks() {
    return availableBlocks;
  }

  /** Returns the tokens that the step can still compute. */
  public int tokensLeft() {
    return tokensLeft;
  }

  /** Returns the sequences that the step can still take. */
  public int sequencesLeft() {
    return sequencesLeft;
  }

  /**
   * Adds a sequence to the work of the step.
   *
   * @param sequence the sequence
   * @param tokens positions to compute: 1 for a decode, more for a prefill chunk or a canvas
   * @return its index in {@link #work}
   */
  public int compute(Sequence sequence, int tokens) {
    if (work.size() == workTokens.length) {
      workTokens = Arrays.copyOf(workTokens, 2 * workTokens.length);
    }
    workTokens[work.size()] = tokens;
    work.add(sequence);
    tokensLeft -= tokens;
    sequencesLeft--;
    return work.size() - 1;
  }

  /**
   * Adds positions to a sequence that is already part of the work.
   *
   * @param i index of the sequence in {@link #work}
   * @param tokens further positions to compute, at least 0
   */
  void extend(int i, int tokens) {
    workTokens[i] += tokens;
    tokensLeft -= tokens;
  }

  /** Adds an admission, and subtracts its blocks. */
  public void admit(Decision.Admit admit) {
    admissions.add(admit);
    availableBlocks -= admit.reservedBlocks() - admit.sharedBlocks();
  }

  /** Adds a growth, and subtracts the additional blocks. */
  public void grow(Decision.Grow grow) {
    growths.add(grow);
    availableBlocks -= grow.reservedBlocks() - grow.sequence().reservedBlocks();
  }

  /**
   * Adds a preemption; makes the sequence's blocks available, and revokes its growth in this plan.
   */
  public void preempt(Decision.Preempt preempt) {
    preemptions.add(preempt);
    availableBlocks += freedBlocks(preempt.sequence());
    growths.removeIf(grow -> grow.sequence() == preempt.sequence());
  }

  /**
   * Returns the blocks that a preemption of a running sequence frees: those that it holds with its
   * growth in this plan, but not those that others own, too.
   */
  int freedBlocks(Sequence sequence) {
    return grownBlocks(sequence) - sequence.sharedBlocks();
  }

  private int grownBlocks(Sequence sequence) {
    for (Decision.Grow grow : growths) {
      if (grow.sequence() == sequence) {
        return grow.reservedBlocks();
      }
    }
    return sequence.reservedBlocks();
  }

  /**
   * Adds a stall: the running sequence keeps its blocks, and skips the step to wait for another
   * one.
   */
  public void stall(Sequence sequence) {
    stalls.add(sequence);
  }

  /** Adds a running sequence that could decode but for the token budget. */
  void leaveOut(Sequence sequence) {
    leftOut.add(sequence);
  }

  /** Returns the running sequences that could decode but for the token budget; a live view. */
  List<Sequence> leftOut() {
    return Collections.unmodifiableList(leftOut);
  }

  /** Records a deferral; only the first one of a plan is kept. */
  public void defer(Decision.Defer defer) {
    if (deferral == null) {
      deferral = defer;
    }
  }

  /** Returns whether this plan has preempted or stalled a sequence for lack of memory. */
  boolean shortOfMemory() {
    return !stalls.isEmpty() || !preemptions.stream().allMatch(Decision.Preempt::displaced);
  }

  /** Returns whether this plan preempts the sequence. */
  public boolean preempts(Sequence sequence) {
    for (Decision.Preempt preempt : preemptions) {
      if (preempt.sequence() == sequence) {
        return true;
      }
    }
    return false;
  }

  /** Returns whether this plan stalls the sequence. */
  public boolean stalls(Sequence sequence) {
    return !stalls.isEmpty() && stalls.contains(sequence);
  }

  /** Returns whether the plan has neither work nor preemptions. */
  public boolean isEmpty() {
    return work.isEmpty() && preemptions.isEmpty();
  }

  /** Returns the sequences that compute, in batch order; a live view. */
  public List<Sequence> work() {
    return Collections.unmodifiableList(work);
  }

  /** Returns the tokens that sequence {@code i} of {@link #work} computes. */
  public int workTokens(int i) {
    return workTokens[i];
  }

  /** Returns the admissions; a live view. */
  public List<Decision.Admit> admissions() {
    return Collections.unmodifiableList(admissions);
  }

  /** Returns the growths; a live view. */
  public List<Decision.Grow> growths() {
    return Collections.unmodifiableList(growths);
  }

  /** Returns the preemptions; a live view. */
  public List<Decision.Preempt> preemptions() {
    return Collections.unmodifiableList(preemptions);
  }

  /** Returns the running sequences that skip the step; a live view. */
  public List<Sequence> stalls() {
    return Collections.unmodifiableList(stalls);
  }

  /** Returns why the first candidate that did not fit was deferred, or null. */
  public Decision.@Nullable Defer deferral() {
    return deferral;
  }
}
