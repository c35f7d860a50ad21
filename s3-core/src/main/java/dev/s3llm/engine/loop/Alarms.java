package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.Sequence;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The times at which live sequences need attention: their deadlines, the ends of their prediction
 * budgets, and checks of their token constraints. A sequence that ends has its alarms cancelled, so
 * a far deadline keeps no sequence in memory. All operations take O(log n). Not thread-safe.
 */
final class Alarms {
  /** The purpose of an alarm. */
  enum Kind {
    /** The request times out. */
    DEADLINE,
    /** The prediction is late; the fallback replaces it. */
    PREDICTION,
    /** The token constraint may have stopped to return. */
    MASK
  }

  /** A time at which a sequence needs attention, in nanoseconds of the engine's clock. */
  record Alarm(long nanos, Sequence sequence, Kind kind) {
    private static final Comparator<Alarm> BY_TIME =
        Comparator.comparingLong(Alarm::nanos)
            .thenComparingLong(a -> a.sequence.sequenceId())
            .thenComparing(Alarm::kind);
  }

  private final TreeSet<Alarm> byTime = new TreeSet<>(Alarm.BY_TIME);
  private final Map<Long, Alarm> deadlines = new HashMap<>();
  private final Map<Long, Alarm> predictions = new HashMap<>();
  private final Map<Long, Alarm> masks = new HashMap<>();

  /** Sets an alarm. A sequence has at most one of each kind. */
  void set(long nanos, Sequence sequence, Kind kind) {
    Alarm alarm = new Alarm(nanos, sequence, kind);
    byTime.add(alarm);
    of(kind).put(sequence.sequenceId(), alarm);
  }

  /** Returns whether a sequence has an alarm of this kind. */
  boolean isSet(Sequence sequence, Kind kind) {
    return of(kind).containsKey(sequence.sequenceId());
  }

  /** Cancels a sequence's alarm of this kind, if there is one. */
  void cancel(Sequence sequence, Kind kind) {
    Alarm alarm = of(kind).remove(sequence.sequenceId());
    if (alarm != null) {
      byTime.remove(alarm);
    }
  }

  /** Returns the time of the next alarm; {@link Long#MAX_VALUE} if there is none. */
  long nextNanos() {
    return byTime.isEmpty() ? Long.MAX_VALUE : byTime.first().nanos;
  }

  /** Removes and returns the next alarm if it is due; null otherwise. */
  @Nullable Alarm pollDue(long now) {
    if (nextNanos() > now || byTime.isEmpty()) {
      return null;
    }
    Alarm alarm = byTime.first();
    cancel(alarm.sequence, alarm.kind);
    return alarm;
  }

  private Map<Long, Alarm> of(Kind kind) {
    return switch (kind) {
      case DEADLINE -> deadlines;
      case PREDICTION -> predictions;
      case MASK -> masks;
    };
  }
}
