package dev.s3llm.engine.plan;

import dev.s3llm.schedule.SequenceView;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The waiting sequences in the order in which one plan may admit them: it is always the turn of the
 * tenant that was served least for its weight, admissions of this plan included; and of a tenant's
 * sequences, the overdue ones come first and alone, the others in the queue's order.
 *
 * <p>Ask {@link #next} for a candidate, then say either {@link #admitted} or {@link #unfit}. The
 * queues do not change by that: what a plan admits leaves them when the plan is carried out, and
 * they must not change while candidates are asked for. Not thread-safe.
 */
public final class Candidates<S extends SequenceView> {
  private final TenantQueues<S> queues;
  private final Iterator<TenantLane<S>> lanes;
  private final PriorityQueue<Turn<S>> touched =
      new PriorityQueue<>(
          Comparator.comparingDouble((Turn<S> t) -> t.served).thenComparingLong(t -> t.lane.index));
  private @Nullable Turn<S> turn;

  /** The tenant served least of those that no candidate was asked of yet. */
  private @Nullable TenantLane<S> untouched;

  /** Whether it ends where somebody would become overdue, whom the next plan considers first. */
  private final boolean heedsBounds;

  private boolean closed;

  Candidates(TenantQueues<S> queues, Iterator<TenantLane<S>> lanes, boolean heedsBounds) {
    this.queues = queues;
    this.lanes = lanes;
    this.heedsBounds = heedsBounds;
    this.untouched = nextLane();
  }

  /** Whose turn it is, the same until it is decided on; null if nobody else may go in this plan. */
  public @Nullable S next() {
    while (!closed && turn == null) {
      turn = nextTurn();
      if (turn == null) {
        closed = true;
      } else if (heedsBounds && turn.spent()) {
        closed = true;
        turn = null;
      } else if (turn.candidate == null) {
        turn = null; // all of this tenant were considered
      }
    }
    return turn == null ? null : turn.candidate;
  }

  /** The candidate was admitted. */
  public void admitted() {
    Turn<S> current = current();
    S sequence = current.admitted();
    current.served += queues.charge(sequence) / current.lane.weight;
    touched.add(current);
    turn = null;
  }

  /** The candidate does not fit; it may hold up all others. */
  public void unfit(int availableBlocks) {
    Turn<S> current = current();
    if (current.skips(availableBlocks)) {
      touched.add(current);
    } else {
      closed = true;
    }
    turn = null;
  }

  private Turn<S> current() {
    if (turn == null) {
      throw new IllegalStateException("no candidate was asked for");
    }
    return turn;
  }

  private @Nullable Turn<S> nextTurn() {
    Turn<S> first = touched.peek();
    TenantLane<S> lane = untouched;
    if (lane == null || (first != null && !lane.before(first.served, first.lane.index))) {
      return touched.poll();
    }
    untouched = nextLane();
    return new Turn<>(lane);
  }

  private @Nullable TenantLane<S> nextLane() {
    return lanes.hasNext() ? lanes.next() : null;
  }

  /** Where this plan is in one tenant's queue. */
  private static final class Turn<S extends SequenceView> {
    final TenantLane<S> lane;
    double served;
    private final WaitingQueue<S> queue;
    private final Iterator<S> overdue;
    private final Set<S> taken = new HashSet<>();

    /** Admissions after which somebody becomes overdue. */
    private final long most;

    private boolean inOrder;
    @Nullable S candidate;

    Turn(TenantLane<S> lane) {
      this.lane = lane;
      this.served = lane.served();
      this.queue = lane.queue;
      this.overdue = queue.overdue().iterator();
      this.most = queue.admissionsUntilOverdue();
      inOrder = !overdue.hasNext();
      candidate = inOrder ? queue.first() : overdue.next();
    }

    boolean spent() {
      return taken.size() >= most;
    }

    S admitted() {
      S sequence = decided();
      taken.add(sequence);
      if (inOrder) {
        candidate = untaken(queue.after(sequence));
      } else if (overdue.hasNext()) {
        candidate = overdue.next();
      } else {
        inOrder = true;
        candidate = untaken(queue.first());
      }
      return sequence;
    }

    /** Goes on to who may fit; false if others must wait for the candidate. */
    boolean skips(int availableBlocks) {
      if (!inOrder || !queue.order().skipsUnfit()) {
        return false;
      }
      candidate = untaken(queue.afterUnfit(decided(), availableBlocks));
      return true;
    }

    private S decided() {
      if (candidate == null) {
        throw new IllegalStateException("there is no candidate to decide on");
      }
      return candidate;
    }

    /** The first from here on that was not taken when it was overdue. */
    private @Nullable S untaken(@Nullable S from) {
      S sequence = from;
      while (sequence != null && taken.contains(sequence)) {
        sequence = queue.after(sequence);
      }
      return sequence;
    }
  }
}
