package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The part of a plan that continues prefills under way, so that a long prompt never takes the
 * prefill of a whole step from shorter ones.
 *
 * <p>The prefill that was admitted first gets a quarter of the step, so that every prefill ends.
 * The rest goes to the shortest first, by the tokens still to compute, as shortest remaining
 * processing time orders them: before the admissions to those that end within the step, and after
 * the admissions to the others. A candidate that is shorter than all of the others thus passes
 * them. One that is not gets {@value #FIRST_CHUNK} tokens, so that it does not hold up the
 * candidates behind it, while fewer than {@value #MOST_PARTIAL} prefills are under way.
 *
 * <p>Not thread-safe.
 */
final class PrefillPass {
  /** The part of a step's prefill that the first prefill under way gets at least: one in this. */
  private static final int SHARES = 4;

  /** The tokens of a candidate that does not pass the prefills under way. */
  static final int FIRST_CHUNK = 32;

  /** The prefills under way from which on no candidate that is longer than all of them starts. */
  static final int MOST_PARTIAL = 4;

  private static final Comparator<Prefill> SHORTEST_FIRST =
      Comparator.comparingInt(prefill -> prefill.sequence.stepTokens());

  private final StepPlan plan;
  private final int mostTokens;
  private final List<Prefill> prefills = new ArrayList<>(0);

  /** The fewest tokens of a prefill that does not end in this step. */
  private int shortest = Integer.MAX_VALUE;

  private int partial;

  /** A prefill and what the plan computes of it. */
  private static final class Prefill {
    final Sequence sequence;
    int index = -1;
    int given;

    Prefill(Sequence sequence) {
      this.sequence = sequence;
    }

    int left() {
      return sequence.stepTokens() - given;
    }
  }

  /**
   * Creates the pass.
   *
   * @param plan the plan
   * @param mostTokens the executor's limit of tokens in a step
   */
  PrefillPass(StepPlan plan, int mostTokens) {
    this.plan = plan;
    this.mostTokens = mostTokens;
  }

  /** Adds a running sequence whose prompt is not computed; in order of admission. */
  void add(Sequence sequence) {
    prefills.add(new Prefill(sequence));
  }

  /** Plans the share of the first prefill, and the prefills that end in this step. */
  void start() {
    if (prefills.isEmpty() || plan.tokensLeft() == 0) {
      return;
    }
    int room = plan.tokensLeft();
    give(prefills.get(0), Math.max(room / SHARES, Math.min(room, FIRST_CHUNK)));
    prefills.sort(SHORTEST_FIRST);
    for (Prefill prefill : prefills) {
      if (partial == 0 && prefill.left() <= plan.tokensLeft()) {
        give(prefill, plan.tokensLeft());
      }
      if (prefill.left() > 0) {
        shortest = Math.min(shortest, prefill.sequence.stepTokens());
        partial++;
      }
    }
  }

  /**
   * Returns how many tokens of a candidate the step may compute; 0 if neither it nor those behind
   * it may start in this step.
   */
  int tokensFor(Sequence candidate) {
    int tokens = candidate.stepTokens();
    if (tokens < shortest) {
      return Math.min(tokens, plan.tokensLeft());
    }
    return partial < MOST_PARTIAL ? Math.min(FIRST_CHUNK, Math.min(tokens, plan.tokensLeft())) : 0;
  }

  /** Notes that the plan computes so many tokens of a candidate. */
  void admitted(Sequence candidate, int tokens) {
    if (tokens < candidate.stepTokens()) {
      partial++;
    }
  }

  /** Gives what is left of the step to the prefills under way, the shortest first. */
  void finish() {
    for (int i = 0; i < prefills.size() && plan.tokensLeft() > 0; i++) {
      give(prefills.get(i), plan.tokensLeft());
    }
  }

  private void give(Prefill prefill, int most) {
    int tokens = Math.min(Math.min(most, prefill.left()), plan.tokensLeft());
    if (prefill.index >= 0) {
      if (tokens > 0) {
        plan.extend(prefill.index, tokens);
        prefill.given += tokens;
      }
      return;
    }
    int least = prefill.sequence.leastStepTokens();
    if (plan.sequencesLeft() > 0 && ContinuousBatchingScheduler.fits(least, plan, mostTokens)) {
      prefill.given = Math.max(least, tokens);
      prefill.index = plan.compute(prefill.sequence, prefill.given);
    }
  }
}
