package dev.s3llm.engine.plan;

import dev.s3llm.schedule.SequenceView;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The waiting sequences in the order in which one plan may admit them. The next candidate is always
 * of the tenant with the least service for its weight, admissions of this plan included. Within a
 * tenant, overdue sequences come first, then the others in the policy's order. A sequence that the
 * admissions of this plan make overdue comes next.
 *
 * <p>Use: call {@link #next} for a candidate, then either {@link #admitted} or {@link #unfit}.
 * These calls do not change the queues: an admitted sequence leaves its queue when the plan is
 * carried out. The queues must not change while candidates are taken. Not thread-safe.
 *
 * @param <S> type of the sequences
 */
public final class Candidates<S extends SequenceView> {
  private final TenantQueues<S> queues;
  private final Iterator<TenantLane<S>> lanes;
  private final PriorityQueue<Turn<S>> touched =
      new PriorityQueue<>(
          Comparator.comparingDouble((Turn<S> t) -> t.served)
              .thenComparingLong(t -> t.lane.index()));
  private @Nullable Turn<S> turn;

  /** The tenant with the least service among those without a turn in this plan, or null. */
  private @Nullable TenantLane<S> untouched;

  private boolean closed;

  Candidates(TenantQueues<S> queues, Iterator<TenantLane<S>> lanes) {
    this.queues = queues;
    this.lanes = lanes;
    this.untouched = nextLane();
  }

  /**
   * Returns the next candidate, or null if this plan may admit no further one. Returns the same
   * candidate until {@link #admitted} or {@link #unfit} is called.
   */
  public @Nullable S next() {
    while (!closed && turn == null) {
      turn = nextTurn();
      if (turn == null) {
        closed = true;
      } else if (turn.candidate == null) {
        turn = null; // all of this tenant were considered
      }
    }
    return turn == null ? null : turn.candidate;
  }

  /** Records that the candidate was admitted. */
  public void admitted() {
    Turn<S> current = current();
    S sequence = current.admitted();
    current.served += queues.charge(sequence) / current.lane.weight();
    touched.add(current);
    turn = null;
  }

  /**
   * Records that the candidate does not fit. Ends the candidates, unless the policy skips sequences
   * that do not fit.
   *
   * @param availableBlocks blocks that are available
   */
  public void unfit(int availableBlocks) {
    Turn<S> current = current();
    if (current.skips(availableBlocks)) {
      touched.add(current);
    } else {
      closed = true;
    }
    turn = null;
  }

  /**
   * Lets others pass the candidate in this plan, because it waits for something else than memory.
   *
   * @return whether they may pass; if not, because the candidate is overdue, it stays the next one
   */
  public boolean letPass() {
    Turn<S> current = current();
    if (!current.passedOver()) {
      return false;
    }
    touched.add(current);
    turn = null;
    return true;
  }

  private Turn<S> current() {
    if (turn == null) {
      throw new IllegalStateException("call next() first");
    }
    return turn;
  }

  private @Nullable Turn<S> nextTurn() {
    Turn<S> first = touched.peek();
    TenantLane<S> lane = untouched;
    if (lane == null || (first != null && !lane.before(first.served, first.lane.index()))) {
      return touched.poll();
    }
    untouched = nextLane();
    return new Turn<>(lane);
  }

  private @Nullable TenantLane<S> nextLane() {
    return lanes.hasNext() ? lanes.next() : null;
  }

  /** The position of a plan in one tenant's queue. */
  private static final class Turn<S extends SequenceView> {
    final TenantLane<S> lane;
    double served;
    private final WaitingQueue<S> queue;
    private final Set<S> taken = new HashSet<>();

    /** How often each sequence may still be overtaken, after the admissions of this plan. */
    private Overtakes overtakes;

    /** The last sequence in the policy's order that was decided on, or null. */
    private @Nullable S position;

    private boolean overdue;
    @Nullable S candidate;

    Turn(TenantLane<S> lane) {
      this.lane = lane;
      this.served = lane.served();
      this.queue = lane.queue();
      this.overtakes = queue.overtakes();
      proceed(queue.first());
    }

    /** Moves on after the candidate was admitted; returns it. */
    S admitted() {
      S sequence = decided();
      taken.add(sequence);
      overtakes = overtakes.admitted(sequence.sequenceId());
      position = overdue ? position : sequence;
      proceed(position == null ? queue.first() : queue.after(position));
      return sequence;
    }

    /** Moves on to a candidate that may fit; returns false if others must wait for this one. */
    boolean skips(int availableBlocks) {
      if (overdue || !queue.order().skipsUnfit()) {
        return false;
      }
      S sequence = decided();
      position = sequence;
      proceed(queue.afterUnfit(sequence, availableBlocks));
      return true;
    }

    /** Moves on to the candidate behind this one; returns false if nobody may pass it. */
    boolean passedOver() {
      if (overdue) {
        return false;
      }
      S sequence = decided();
      position = sequence;
      proceed(queue.after(sequence));
      return true;
    }

    private S decided() {
      if (candidate == null) {
        throw new IllegalStateException("there is no candidate to decide on");
      }
      return candidate;
    }

    /** Moves on to the first overdue sequence, else to the first one from here on in order. */
    private void proceed(@Nullable S from) {
      overdue = overtakes.anyOverdue();
      candidate = overdue ? queue.waiting(overtakes.firstOverdue()) : untaken(from);
    }

    /** Returns the first sequence from here on that this plan has not admitted as overdue. */
    private @Nullable S untaken(@Nullable S from) {
      S sequence = from;
      while (sequence != null && taken.contains(sequence)) {
        sequence = queue.after(sequence);
      }
      return sequence;
    }
  }
}
