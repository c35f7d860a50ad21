package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.Sequence;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * When live sequences need attention: at their deadlines, and when their predictions are late. A
 * sequence that has ended has no alarms, so a far deadline keeps nothing in memory. All operations
 * take O(log n). Not thread-safe.
 */
final class Alarms {
  /** What an alarm is for. */
  enum Kind {
    DEADLINE,
    PREDICTION
  }

  /** A point in time at which a sequence needs attention. */
  record Alarm(long nanos, Sequence sequence, Kind kind) {
    private static final Comparator<Alarm> BY_TIME =
        Comparator.comparingLong(Alarm::nanos)
            .thenComparingLong(a -> a.sequence.sequenceId())
            .thenComparing(Alarm::kind);
  }

  private final TreeSet<Alarm> byTime = new TreeSet<>(Alarm.BY_TIME);
  private final Map<Long, Alarm> deadlines = new HashMap<>();
  private final Map<Long, Alarm> predictions = new HashMap<>();

  /** Sets an alarm; a sequence has at most one of a kind. */
  void set(long nanos, Sequence sequence, Kind kind) {
    Alarm alarm = new Alarm(nanos, sequence, kind);
    byTime.add(alarm);
    of(kind).put(sequence.sequenceId(), alarm);
  }

  /** Takes a sequence's alarm of this kind back, if there is one. */
  void cancel(Sequence sequence, Kind kind) {
    Alarm alarm = of(kind).remove(sequence.sequenceId());
    if (alarm != null) {
      byTime.remove(alarm);
    }
  }

  /** When the next alarm is due; {@link Long#MAX_VALUE} if there is none. */
  long nextNanos() {
    return byTime.isEmpty() ? Long.MAX_VALUE : byTime.first().nanos;
  }

  /** Takes the next alarm if it is due, or null. */
  @Nullable Alarm pollDue(long now) {
    if (nextNanos() > now || byTime.isEmpty()) {
      return null;
    }
    Alarm alarm = byTime.first();
    cancel(alarm.sequence, alarm.kind);
    return alarm;
  }

  private Map<Long, Alarm> of(Kind kind) {
    return kind == Kind.DEADLINE ? deadlines : predictions;
  }
}
