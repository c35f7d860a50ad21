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

/** The generations whose result has not been handed over, by id; so many at most. Thread-safe. */
final class LiveGenerations {
  private static final Logger log = LoggerFactory.getLogger(LiveGenerations.class);

  private final Map<String, Generation> live = new ConcurrentHashMap<>();
  private final int limit;

  LiveGenerations(int limit) {
    this.limit = limit;
  }

  /** Adds one; the caller sees to it that nobody else adds meanwhile. */
  void add(Generation generation) {
    if (live.size() >= limit) {
      throw new QueueFullException(generation.id(), limit);
    }
    if (live.putIfAbsent(generation.id(), generation) != null) {
      throw new RequestRefusedException(
          generation.id(), Reason.INVALID_REQUEST, "a request with this id is live");
    }
  }

  /** How many there are. */
  int size() {
    return live.size();
  }

  /** The most there may be. */
  int limit() {
    return limit;
  }

  void remove(Generation generation) {
    live.remove(generation.id(), generation);
  }

  List<Generation> all() {
    return List.copyOf(live.values());
  }

  /** Ends generations without the loop, which cannot do it. */
  static void abandon(List<Generation> generations, Failure failure, LongSupplier clock) {
    for (Generation generation : generations) {
      Throwable thrown = Guard.run(() -> generation.abandon(failure, clock));
      if (thrown != null) { // such as no memory; the others are ended all the same
        log.error("request {} could not be ended in order", generation.id(), thrown);
      }
    }
  }
}
