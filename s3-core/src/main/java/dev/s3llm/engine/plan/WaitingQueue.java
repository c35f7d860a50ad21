package dev.s3llm.engine.plan;

import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.schedule.SequenceView;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The sequences of one tenant that wait for memory, in a {@link SchedulingPolicy}, with a bound on
 * overtaking.
 *
 * <p>Age. A sequence's age is the number of admissions while it waited, summed over its waits: an
 * upper bound of how many overtook it. Once the age reaches the order's bound for this sequence, it
 * is overdue. Overdue sequences go before all others, and among themselves in order of arrival, so
 * that whoever goes first has arrived before every overdue one that stays: none of those is
 * overtaken any more. So nobody is overtaken more often than its bound.
 *
 * <p>Adding, removing and seeking take O(log n). Not thread-safe.
 */
public final class WaitingQueue<S extends SequenceView> {
  private final SchedulingPolicy order;
  private final TreeSet<Entry<S>> byRank =
      new TreeSet<>(
          Comparator.comparing((Entry<S> e) -> e.priority, Comparator.reverseOrder())
              .thenComparingLong(e -> e.rank)
              .thenComparingLong(e -> e.id));
  private final TreeSet<Entry<S>> inTime =
      new TreeSet<>(Comparator.comparingLong((Entry<S> e) -> e.due).thenComparingLong(e -> e.id));
  private final TreeSet<Entry<S>> overdue = new TreeSet<>(Comparator.comparingLong(e -> e.id));
  private final Map<Long, Entry<S>> byId = new HashMap<>();
  private long admissions;
  private double expectedTokens;

  /** Creates an empty queue. */
  public WaitingQueue(SchedulingPolicy order) {
    this.order = order;
  }

  /** The order in force. */
  public SchedulingPolicy order() {
    return order;
  }

  /** How many wait. */
  public int size() {
    return byId.size();
  }

  /** Whether nobody waits. */
  public boolean isEmpty() {
    return byId.isEmpty();
  }

  /**
   * Lets a sequence wait.
   *
   * @param admissionBlocks what the planner would set aside for it
   * @param age what {@link #remove} said when it last left; 0 for a new one
   */
  public void add(S sequence, int admissionBlocks, long age) {
    long birth = admissions - age;
    Entry<S> entry =
        new Entry<>(
            sequence,
            sequence.sequenceId(),
            sequence.priority(),
            order.rank(sequence, admissionBlocks),
            birth,
            birth + order.maxOvertakes(sequence),
            Math.max(1, sequence.prediction().mean() - sequence.generatedTokens()));
    if (byId.putIfAbsent(entry.id, entry) != null) {
      throw new IllegalStateException("sequence " + entry.id + " waits already");
    }
    byRank.add(entry);
    inTime.add(entry);
    expectedTokens += entry.expectedTokens;
    promoteOverdue();
  }

  /** Takes a sequence out and returns its age. */
  public long remove(S sequence) {
    Entry<S> entry = byId.remove(sequence.sequenceId());
    if (entry == null) {
      throw new IllegalStateException("sequence " + sequence.sequenceId() + " does not wait");
    }
    byRank.remove(entry);
    if (!inTime.remove(entry)) {
      overdue.remove(entry);
    }
    expectedTokens = byId.isEmpty() ? 0 : expectedTokens - entry.expectedTokens;
    return admissions - entry.birth;
  }

  /** Takes an admitted sequence out, ages the others by one, and returns its age. */
  public long removeAdmitted(S sequence) {
    long age = remove(sequence);
    admissions++;
    promoteOverdue();
    return age;
  }

  private void promoteOverdue() {
    while (admissionsUntilOverdue() <= 0) {
      overdue.add(inTime.pollFirst());
    }
  }

  /** How many may be admitted before the next of those in time is overdue. */
  long admissionsUntilOverdue() {
    return inTime.isEmpty() ? Long.MAX_VALUE : inTime.first().due - admissions;
  }

  /** Output tokens that those who wait are expected to produce yet. */
  double expectedTokens() {
    return expectedTokens;
  }

  /** Output tokens that this one of them is expected to produce yet. */
  double expectedTokens(S sequence) {
    return entry(sequence).expectedTokens;
  }

  /** Whether a sequence waits here. */
  public boolean contains(S sequence) {
    return byId.containsKey(sequence.sequenceId());
  }

  /** The overdue sequences, in order of arrival; they go before all others. A live view. */
  Iterable<S> overdue() {
    return () -> overdue.stream().map(Entry::sequence).iterator();
  }

  /** The first in order, or null. */
  @Nullable S first() {
    return byRank.isEmpty() ? null : byRank.first().sequence;
  }

  /** The one that must go next if anybody goes: the first overdue, else the first in order. */
  public @Nullable S next() {
    return overdue.isEmpty() ? first() : overdue.first().sequence;
  }

  /** The next in order after one that waits here, or null. */
  @Nullable S after(S sequence) {
    Entry<S> next = byRank.higher(entry(sequence));
    return next == null ? null : next.sequence;
  }

  /** The next in order after one that did not fit, leaving out what the order knows not to fit. */
  @Nullable S afterUnfit(S sequence, int availableBlocks) {
    Entry<S> unfit = entry(sequence);
    Entry<S> next = byRank.higher(unfit);
    long rank = order.firstRankWithin(availableBlocks);
    if (next != null && next.rank < rank) {
      next = byRank.ceiling(new Entry<>(sequence, Long.MIN_VALUE, next.priority, rank, 0, 0, 0));
    }
    return next == null ? null : next.sequence;
  }

  /** Every waiting sequence, in order; a copy. */
  List<S> inOrder() {
    return byRank.stream().map(e -> e.sequence).toList();
  }

  private Entry<S> entry(S sequence) {
    Entry<S> entry = byId.get(sequence.sequenceId());
    if (entry == null) {
      throw new IllegalStateException("sequence " + sequence.sequenceId() + " does not wait");
    }
    return entry;
  }

  /**
   * One waiter.
   *
   * @param birth the admission count at which its age was zero
   * @param due the one from which on it is overdue
   */
  private record Entry<S extends SequenceView>(
      S sequence, long id, int priority, long rank, long birth, long due, double expectedTokens) {}
}
