package dev.s3llm;

import dev.s3llm.engine.plan.TenantPlaces;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.support.Guard;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The generations whose results are not completed yet, by id. Each holds a place of its tenant.
 * Thread-safe.
 */
final class LiveGenerations {
  private static final Logger log = LoggerFactory.getLogger(LiveGenerations.class);

  private final Map<String, Generation> live = new ConcurrentHashMap<>();
  private final TenantPlaces places;

  LiveGenerations(TenantPlaces places) {
    this.places = places;
  }

  /**
   * Adds a generation. The caller holds a lock, so that no other thread adds at the same time.
   *
   * @param generation the generation
   * @param queueWait returns the expected wait of the queue, if it is known
   * @throws QueueFullException if no place is free for its tenant
   * @throws RequestRefusedException if a generation with this id is live
   */
  void add(Generation generation, Supplier<Optional<Duration>> queueWait) {
    String tenant = generation.tenant();
    if (!places.take(tenant)) {
      throw new QueueFullException(
          generation.id(), places.limit(), places.held(tenant), queueWait.get().orElse(null));
    }
    boolean added = false;
    try {
      added = live.putIfAbsent(generation.id(), generation) == null;
    } finally {
      if (!added) {
        places.release(tenant);
      }
    }
    if (!added) {
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
    return places.limit();
  }

  /** Removes a generation; does nothing if it was removed before. */
  void remove(Generation generation) {
    if (live.remove(generation.id(), generation)) {
      places.release(generation.tenant());
    }
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
