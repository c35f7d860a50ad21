package dev.s3llm.examples.server.live;

import dev.s3llm.S3Engine;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import tools.jackson.databind.json.JsonMapper;

/**
 * Pictures of an engine for viewers. One ticker serves all viewers and stops without any; then only
 * a snapshot is read each second, for the series. A slow viewer misses pictures and delays no
 * other. Thread-safe.
 */
public final class LiveFeed implements AutoCloseable {
  private static final Duration TICK = Duration.ofMillis(500);
  private static final Duration SAMPLE = Duration.ofSeconds(1);

  /** A loop that does not answer in this time is shown in its last known state. */
  private static final Duration INSPECTION_LIMIT = Duration.ofMillis(400);

  private static final JsonMapper JSON = JsonMapper.shared();

  private final S3Engine engine;
  private final LiveEvents events;
  private final int maxViewers;
  private final LiveSeries series = new LiveSeries();
  private final AtomicInteger viewers = new AtomicInteger();
  private final Flux<String> pictures;
  private final Disposable sampling;
  private final Sinks.Empty<Void> closing = Sinks.empty();
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable CompletableFuture<Void> inspection;
  private volatile Picture.@Nullable Inspected latest;

  /**
   * Creates a feed and starts to sample.
   *
   * @param maxViewers most streams at a time; further streams are refused
   */
  public LiveFeed(S3Engine engine, LiveEvents events, int maxViewers) {
    this.engine = engine;
    this.events = events;
    this.maxViewers = maxViewers;
    this.pictures =
        Flux.interval(Duration.ZERO, TICK, Schedulers.boundedElastic())
            .onBackpressureDrop()
            .concatMap(tick -> picture(), 1)
            .replay(1)
            .refCount(1);
    this.sampling =
        Flux.interval(Duration.ZERO, SAMPLE, Schedulers.boundedElastic())
            .onBackpressureDrop()
            .subscribe(
                tick ->
                    series.sample(
                        engine.snapshot(), System.nanoTime(), System.currentTimeMillis()));
  }

  /**
   * Returns pictures as JSON, one at once and then about two in a second; empty if there are too
   * many viewers.
   */
  public Optional<Flux<String>> stream() {
    return viewers.get() < maxViewers ? Optional.of(Flux.defer(this::counted)) : Optional.empty();
  }

  /** Counts subscribed viewers; those that subscribe at the same time may exceed the limit. */
  private Flux<String> counted() {
    if (viewers.incrementAndGet() > maxViewers) {
      viewers.decrementAndGet();
      return Flux.empty();
    }
    return pictures
        .onBackpressureLatest()
        .takeUntilOther(closing.asMono())
        .doFinally(signal -> viewers.decrementAndGet());
  }

  /** Returns the current picture as JSON; with other viewers the latest one that they got. */
  public Mono<String> state() {
    return pictures.next();
  }

  /** Returns the number of streams. */
  public int viewers() {
    return viewers.get();
  }

  private Mono<String> picture() {
    return Mono.defer(this::inspect)
        .timeout(INSPECTION_LIMIT)
        .onErrorComplete() // the loop hangs or has ended: show its last known state
        .then(Mono.fromCallable(this::json));
  }

  /** Requests the state of the loop, unless a request is pending, whose answer is shown later. */
  private Mono<Void> inspect() {
    lock.lock();
    try {
      if (inspection != null && !inspection.isDone()) {
        return Mono.empty();
      }
      inspection =
          engine
              .inspect()
              .thenAccept(seen -> latest = new Picture.Inspected(seen, System.currentTimeMillis()));
      return Mono.fromFuture(inspection, true);
    } finally {
      lock.unlock();
    }
  }

  private String json() {
    return JSON.writeValueAsString(
        Picture.of(
            engine.snapshot(),
            latest,
            events.memory(),
            series.samples(),
            System.currentTimeMillis()));
  }

  /** Ends the streams, so that a stopping server need not wait for viewers. Idempotent. */
  @Override
  public void close() {
    sampling.dispose();
    closing.tryEmitEmpty();
  }
}
