package dev.s3llm.schedule;

import dev.s3llm.memory.SequenceView;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The sequences of one tenant that wait for memory, in a {@link QueueOrder}, with a bound on
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
final class WaitingQueue {
  private final QueueOrder order;
  private final TreeSet<Entry> byRank =
      new TreeSet<>(
          Comparator.comparing((Entry e) -> e.priority, Comparator.reverseOrder())
              .thenComparingLong(e -> e.rank)
              .thenComparingLong(e -> e.id));
  private final TreeSet<Entry> inTime =
      new TreeSet<>(Comparator.comparingLong((Entry e) -> e.due).thenComparingLong(e -> e.id));
  private final TreeSet<Entry> overdue = new TreeSet<>(Comparator.comparingLong(e -> e.id));
  private final Map<Long, Entry> byId = new HashMap<>();
  private long admissions;
  private double expectedTokens;

  /** Creates an empty queue. */
  WaitingQueue(QueueOrder order) {
    this.order = order;
  }

  /** The order in force. */
  QueueOrder order() {
    return order;
  }

  /** How many wait. */
  int size() {
    return byId.size();
  }

  /** Whether nobody waits. */
  boolean isEmpty() {
    return byId.isEmpty();
  }

  /**
   * Lets a sequence wait.
   *
   * @param admissionBlocks what the planner would set aside for it
   * @param age what {@link #remove} said when it last left; 0 for a new one
   */
  void add(SequenceView sequence, int admissionBlocks, long age) {
    long birth = admissions - age;
    Entry entry =
        new Entry(
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
  long remove(SequenceView sequence) {
    Entry entry = byId.remove(sequence.sequenceId());
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
  long removeAdmitted(SequenceView sequence) {
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
  double expectedTokens(SequenceView sequence) {
    return entry(sequence).expectedTokens;
  }

  /** Whether a sequence waits here. */
  boolean contains(SequenceView sequence) {
    return byId.containsKey(sequence.sequenceId());
  }

  /** The overdue sequences, in order of arrival; they go before all others. A live view. */
  Iterable<SequenceView> overdue() {
    return () -> overdue.stream().map(Entry::sequence).iterator();
  }

  /** The first in order, or null. */
  @Nullable SequenceView first() {
    return byRank.isEmpty() ? null : byRank.first().sequence;
  }

  /** The one that must go next if anybody goes: the first overdue, else the first in order. */
  @Nullable SequenceView next() {
    return overdue.isEmpty() ? first() : overdue.first().sequence;
  }

  /** The next in order after one that waits here, or null. */
  @Nullable SequenceView after(SequenceView sequence) {
    Entry next = byRank.higher(entry(sequence));
    return next == null ? null : next.sequence;
  }

  /** The next in order after one that did not fit, leaving out what the order knows not to fit. */
  @Nullable SequenceView afterUnfit(SequenceView sequence, int availableBlocks) {
    Entry unfit = entry(sequence);
    Entry next = byRank.higher(unfit);
    long rank = order.firstRankWithin(availableBlocks);
    if (next != null && next.rank < rank) {
      next = byRank.ceiling(new Entry(sequence, Long.MIN_VALUE, next.priority, rank, 0, 0, 0));
    }
    return next == null ? null : next.sequence;
  }

  /** Every waiting sequence, in order; a copy. */
  List<SequenceView> inOrder() {
    return byRank.stream().map(e -> e.sequence).toList();
  }

  private Entry entry(SequenceView sequence) {
    Entry entry = byId.get(sequence.sequenceId());
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
  private record Entry(
      SequenceView sequence,
      long id,
      int priority,
      long rank,
      long birth,
      long due,
      double expectedTokens) {}
}
