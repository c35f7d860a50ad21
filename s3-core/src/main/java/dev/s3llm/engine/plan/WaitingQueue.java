package dev.s3llm.engine.plan;

import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.schedule.SequenceView;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The waiting sequences of one tenant, in the order of a {@link SchedulingPolicy}, with a bound on
 * overtaking.
 *
 * <p>Age. A sequence's age is how often it was overtaken: the number of admissions, while it
 * waited, of sequences that arrived later, summed over its waits. Admissions of sequences that
 * arrived earlier do not age it, so a long queue does not make its own tail overdue. A sequence
 * whose age has reached the policy's bound for it is overdue. Overdue sequences go before all
 * others, in order of arrival: so every overdue sequence that still waits has arrived later than
 * the one admitted, and is not overtaken any more. So no sequence is overtaken more often than its
 * bound, and it is admitted after those that arrived earlier and so many later ones at the latest.
 *
 * <p>Adding, removing, admitting and searching take O(log n). Not thread-safe.
 *
 * @param <S> type of the sequences
 */
public final class WaitingQueue<S extends SequenceView> {
  private static final Comparator<Entry<?>> ORDER =
      Comparator.<Entry<?>, Integer>comparing(e -> e.priority, Comparator.reverseOrder())
          .thenComparingLong(e -> e.rank)
          .thenComparingLong(e -> e.id);

  private final SchedulingPolicy policy;
  private final TreeSet<Entry<S>> byRank = new TreeSet<>(ORDER);
  private final Map<Long, Entry<S>> byId = new HashMap<>();
  private Overtakes overtakes = Overtakes.NONE;
  private double expectedTokens;

  /** See {@link #turns}; one admission adds 1 at most, so it stays exact enough for ever. */
  private double turns;

  /** Creates an empty queue in the order of this policy. */
  public WaitingQueue(SchedulingPolicy policy) {
    this.policy = policy;
  }

  /** Returns the policy. */
  public SchedulingPolicy order() {
    return policy;
  }

  /** Returns the number of waiting sequences. */
  public int size() {
    return byId.size();
  }

  /** Returns whether no sequence waits. */
  public boolean isEmpty() {
    return byId.isEmpty();
  }

  /**
   * Adds a sequence.
   *
   * @param sequence a sequence that does not wait
   * @param admissionBlocks blocks that the planner would reserve for it
   * @param age the result of {@link #remove} when it left last; 0 for a new sequence
   * @throws IllegalStateException if the sequence waits
   */
  public void add(S sequence, int admissionBlocks, long age) {
    int bound = policy.maxOvertakes(sequence);
    Entry<S> entry =
        new Entry<>(
            sequence,
            sequence.sequenceId(),
            sequence.priority(),
            policy.rank(sequence, admissionBlocks),
            bound,
            Math.max(1, sequence.prediction().mean() - sequence.generatedTokens()));
    if (byId.putIfAbsent(entry.id, entry) != null) {
      throw new IllegalStateException("sequence " + entry.id + " waits already");
    }
    byRank.add(entry);
    overtakes = overtakes.with(entry.id, bound - age);
    expectedTokens += entry.expectedTokens;
  }

  /**
   * Removes a sequence that is not admitted, and returns its age.
   *
   * @throws IllegalStateException if the sequence does not wait
   */
  public long remove(S sequence) {
    long age = take(sequence);
    overtakes = overtakes.without(sequence.sequenceId());
    return age;
  }

  /**
   * Removes an admitted sequence, adds one to the age of those that arrived before it and a part to
   * the {@link #turns}, and returns its age.
   *
   * @throws IllegalStateException if the sequence does not wait
   */
  public long removeAdmitted(S sequence) {
    long age = take(sequence);
    turns += 1.0 / (size() + 1);
    overtakes = overtakes.admitted(sequence.sequenceId());
    return age;
  }

  /**
   * Returns how many turns the queue has made. A turn is as many admissions as sequences wait: an
   * admission from n waiting sequences is one n-th of a turn. So turns count waiting in proportion
   * to the depth of the queue, whatever the speed of the engine; they stand still while nothing is
   * admitted.
   */
  double turns() {
    return turns;
  }

  private long take(S sequence) {
    Entry<S> entry = entry(sequence);
    byId.remove(entry.id);
    byRank.remove(entry);
    expectedTokens = byId.isEmpty() ? 0 : expectedTokens - entry.expectedTokens;
    return entry.bound - overtakes.slack(entry.id);
  }

  /** Returns how often each waiting sequence may still be overtaken. */
  Overtakes overtakes() {
    return overtakes;
  }

  /** Returns a waiting sequence. */
  S waiting(long id) {
    return entry(id).sequence;
  }

  /** Returns the output tokens that all waiting sequences are still expected to produce. */
  double expectedTokens() {
    return expectedTokens;
  }

  /** Returns the output tokens that a waiting sequence is still expected to produce. */
  double expectedTokens(S sequence) {
    return entry(sequence).expectedTokens;
  }

  /**
   * Returns the output tokens expected of the sequences that go before a waiting one as the queue
   * is now: those before it in the policy's order, and the overdue ones. Takes as many operations
   * as there are sequences before or after it in the order, whichever are fewer, and as there are
   * overdue ones.
   *
   * @param sequence a waiting sequence that is not overdue
   * @return tokens, 0 or more
   */
  double expectedTokensBefore(S sequence) {
    Entry<S> entry = entry(sequence);
    return Math.max(0, expectedAhead(entry)) + expectedOfOverdueBehind(entry);
  }

  /** Sums from the sequence towards both ends at once, until one end is reached. */
  private double expectedAhead(Entry<S> entry) {
    Iterator<Entry<S>> before = byRank.headSet(entry, false).descendingIterator();
    Iterator<Entry<S>> behind = byRank.tailSet(entry, false).iterator();
    double tokensBefore = 0;
    double tokensBehind = 0;
    while (before.hasNext()) {
      tokensBefore += before.next().expectedTokens;
      if (!behind.hasNext()) {
        return expectedTokens - entry.expectedTokens - tokensBehind;
      }
      tokensBehind += behind.next().expectedTokens;
    }
    return tokensBefore;
  }

  private double expectedOfOverdueBehind(Entry<S> entry) {
    double tokens = 0;
    for (long id : overtakes.overdue()) {
      Entry<S> overdue = entry(id);
      tokens += ORDER.compare(overdue, entry) > 0 ? overdue.expectedTokens : 0;
    }
    return tokens;
  }

  /** Returns whether a sequence waits in this queue. */
  public boolean contains(S sequence) {
    return byId.containsKey(sequence.sequenceId());
  }

  /** Returns the first sequence in the policy's order, or null. */
  @Nullable S first() {
    return byRank.isEmpty() ? null : byRank.first().sequence;
  }

  /** Returns the first overdue sequence, else the first in the policy's order, else null. */
  public @Nullable S next() {
    return overtakes.anyOverdue() ? waiting(overtakes.firstOverdue()) : first();
  }

  /** Returns the sequence after this one in the policy's order, or null. */
  @Nullable S after(S sequence) {
    Entry<S> next = byRank.higher(entry(sequence));
    return next == null ? null : next.sequence;
  }

  /** Returns the next sequence after this one that may fit, as far as the policy knows; or null. */
  @Nullable S afterUnfit(S sequence, int availableBlocks) {
    Entry<S> unfit = entry(sequence);
    Entry<S> next = byRank.higher(unfit);
    long rank = policy.firstRankWithin(availableBlocks);
    if (next != null && next.rank < rank) {
      next = byRank.ceiling(new Entry<>(sequence, Long.MIN_VALUE, next.priority, rank, 0, 0));
    }
    return next == null ? null : next.sequence;
  }

  /** Returns a copy of all waiting sequences, in the policy's order. */
  List<S> inOrder() {
    return byRank.stream().map(e -> e.sequence).toList();
  }

  private Entry<S> entry(S sequence) {
    return entry(sequence.sequenceId());
  }

  private Entry<S> entry(long id) {
    Entry<S> entry = byId.get(id);
    if (entry == null) {
      throw new IllegalStateException("sequence " + id + " does not wait");
    }
    return entry;
  }

  /**
   * A waiting sequence.
   *
   * @param bound how many later arrivals may overtake it
   */
  private record Entry<S extends SequenceView>(
      S sequence, long id, int priority, long rank, int bound, double expectedTokens) {}
}
