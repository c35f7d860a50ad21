package dev.s3llm;

import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.support.Guard;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The generations whose results are not completed yet, by id, up to a limit. Thread-safe. */
final class LiveGenerations {
  private static final Logger log = LoggerFactory.getLogger(LiveGenerations.class);

  private final Map<String, Generation> live = new ConcurrentHashMap<>();
  private final int limit;

  LiveGenerations(int limit) {
    this.limit = limit;
  }

  /**
   * Adds a generation. The caller holds a lock, so that no other thread adds at the same time.
   *
   * @throws QueueFullException if the limit is reached
   * @throws RequestRefusedException if a generation with this id is live
   */
  void add(Generation generation) {
    if (live.size() >= limit) {
      throw new QueueFullException(generation.id(), limit);
    }
    if (live.putIfAbsent(generation.id(), generation) != null) {
      throw new RequestRefusedException(
          generation.id(), Reason.INVALID_REQUEST, "a request with this id is live");
    }
  }

  /** Returns the number of live generations. */
  int size() {
    return live.size();
  }

  /** Returns how many generations may be live. */
  int limit() {
    return limit;
  }

  /** Removes a generation; does nothing if it was removed before. */
  void remove(Generation generation) {
    live.remove(generation.id(), generation);
  }

  /** Returns a copy of the live generations. */
  List<Generation> all() {
    return List.copyOf(live.values());
  }

  /** Fails generations from outside the loop, when the loop cannot do it. */
  static void abandon(List<Generation> generations, Failure failure, LongSupplier clock) {
    for (Generation generation : generations) {
      Throwable thrown = Guard.run(() -> generation.abandon(failure, clock));
      if (thrown != null) { // for example an OutOfMemoryError; the other generations must still end
        log.error("request {} could not be ended cleanly", generation.id(), thrown);
      }
    }
  }
}
