package dev.s3llm.schedule;

import dev.s3llm.memory.SequenceView;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Sequences that wait for memory, in a {@link QueueOrder}, with a bound on overtaking.
 *
 * <p>Age. A sequence's age is the number of admissions while it waited, summed over its waits: an
 * upper bound of how many overtook it. Once the age reaches the order's bound the sequence is
 * overdue. Overdue sequences go before all others, and among themselves in order of arrival, so
 * that whoever goes first has arrived before every overdue one that stays: none of those is
 * overtaken any more. So nobody is overtaken more often than the bound.
 *
 * <p>Adding, removing and seeking take O(log n). Not thread-safe.
 */
public final class WaitingQueue {
  private final QueueOrder order;
  private final TreeSet<Entry> byRank =
      new TreeSet<>(
          Comparator.comparing((Entry e) -> e.priority, Comparator.reverseOrder())
              .thenComparingLong(e -> e.rank)
              .thenComparingLong(e -> e.id));
  private final TreeSet<Entry> byAge =
      new TreeSet<>(Comparator.comparingLong((Entry e) -> e.birth).thenComparingLong(e -> e.id));
  private final TreeSet<Entry> overdue = new TreeSet<>(Comparator.comparingLong(e -> e.id));
  private final Map<Long, Entry> byId = new HashMap<>();
  private long admissions;

  /** Creates an empty queue. */
  public WaitingQueue(QueueOrder order) {
    this.order = order;
  }

  /** The order in force. */
  public QueueOrder order() {
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
  public void add(SequenceView sequence, int admissionBlocks, long age) {
    Entry entry =
        new Entry(
            sequence,
            sequence.sequenceId(),
            sequence.priority(),
            order.rank(sequence, admissionBlocks),
            admissions - age);
    if (byId.putIfAbsent(entry.id, entry) != null) {
      throw new IllegalStateException("sequence " + entry.id + " waits already");
    }
    byRank.add(entry);
    byAge.add(entry);
    promoteOverdue();
  }

  /** Takes a sequence out and returns its age. */
  public long remove(SequenceView sequence) {
    Entry entry = byId.remove(sequence.sequenceId());
    if (entry == null) {
      throw new IllegalStateException("sequence " + sequence.sequenceId() + " does not wait");
    }
    byRank.remove(entry);
    if (!byAge.remove(entry)) {
      overdue.remove(entry);
    }
    return admissions - entry.birth;
  }

  /** Takes an admitted sequence out, ages the others by one, and returns its age. */
  public long removeAdmitted(SequenceView sequence) {
    long age = remove(sequence);
    admissions++;
    promoteOverdue();
    return age;
  }

  private void promoteOverdue() {
    while (admissionsUntilOverdue() <= 0) {
      overdue.add(byAge.pollFirst());
    }
  }

  /** How many may be admitted before the next of those in time is overdue. */
  long admissionsUntilOverdue() {
    return byAge.isEmpty()
        ? Long.MAX_VALUE
        : byAge.first().birth + order.maxOvertakes() - admissions;
  }

  /** Whether a sequence waits here. */
  public boolean contains(SequenceView sequence) {
    return byId.containsKey(sequence.sequenceId());
  }

  /** The overdue sequences, in order of arrival; they go before all others. A live view. */
  public Iterable<SequenceView> overdue() {
    return () -> overdue.stream().map(Entry::sequence).iterator();
  }

  /** The first in order, or null. */
  public @Nullable SequenceView first() {
    return byRank.isEmpty() ? null : byRank.first().sequence;
  }

  /** The one that must go next if anybody goes: the first overdue, else the first in order. */
  public @Nullable SequenceView next() {
    return overdue.isEmpty() ? first() : overdue.first().sequence;
  }

  /** The next in order after one that waits here, or null. */
  public @Nullable SequenceView after(SequenceView sequence) {
    Entry next = byRank.higher(entry(sequence));
    return next == null ? null : next.sequence;
  }

  /** The next in order after one that did not fit, leaving out what the order knows not to fit. */
  public @Nullable SequenceView afterUnfit(SequenceView sequence, int availableBlocks) {
    Entry unfit = entry(sequence);
    Entry next = byRank.higher(unfit);
    long rank = order.firstRankWithin(availableBlocks);
    if (next != null && next.rank < rank) {
      next = byRank.ceiling(new Entry(sequence, Long.MIN_VALUE, next.priority, rank, 0));
    }
    return next == null ? null : next.sequence;
  }

  /** Every waiting sequence, in order; a copy. */
  public List<SequenceView> inOrder() {
    return byRank.stream().map(e -> e.sequence).toList();
  }

  private Entry entry(SequenceView sequence) {
    Entry entry = byId.get(sequence.sequenceId());
    if (entry == null) {
      throw new IllegalStateException("sequence " + sequence.sequenceId() + " does not wait");
    }
    return entry;
  }

  /** One waiter; {@code birth} is the admission count at which its age was zero. */
  private record Entry(SequenceView sequence, long id, int priority, long rank, long birth) {}
}
