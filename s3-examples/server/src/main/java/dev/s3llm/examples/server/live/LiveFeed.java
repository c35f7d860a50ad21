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
 * Pictures of an engine for whoever looks: one ticker for all viewers, and none while nobody looks;
 * then only a snapshot is read each second, for the series. A viewer that is slow misses pictures
 * and holds up nobody. Thread-safe.
 */
public final class LiveFeed implements AutoCloseable {
  private static final Duration TICK = Duration.ofMillis(500);
  private static final Duration SAMPLE = Duration.ofSeconds(1);

  /** A loop that does not answer in this time is shown as it was. */
  private static final Duration PATIENCE = Duration.ofMillis(400);

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
  private @Nullable CompletableFuture<Void> asked;
  private volatile Picture.@Nullable Inspected latest;

  /**
   * Starts to sample.
   *
   * @param maxViewers streams at a time; more are refused
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

  /** Pictures as JSON, one at once and then about two a second; empty if too many look. */
  Optional<Flux<String>> stream() {
    return viewers.get() < maxViewers ? Optional.of(Flux.defer(this::counted)) : Optional.empty();
  }

  /** Counts who really looks; of those who come at the same moment some may be too many. */
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

  /** The picture of this moment as JSON; while others look, of the moment before. */
  Mono<String> state() {
    return pictures.next();
  }

  /** How many streams there are. */
  public int viewers() {
    return viewers.get();
  }

  private Mono<String> picture() {
    return Mono.defer(this::look)
        .timeout(PATIENCE)
        .onErrorComplete() // a loop that hangs or has ended: what it told before is shown
        .then(Mono.fromCallable(this::json));
  }

  /** Asks the loop, unless it still owes an answer: that is shown when it comes. */
  private Mono<Void> look() {
    lock.lock();
    try {
      if (asked != null && !asked.isDone()) {
        return Mono.empty();
      }
      asked =
          engine
              .inspect()
              .thenAccept(seen -> latest = new Picture.Inspected(seen, System.currentTimeMillis()));
      return Mono.fromFuture(asked, true);
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

  /** Ends the streams: a server that stops need not wait for those who look. Idempotent. */
  @Override
  public void close() {
    sampling.dispose();
    closing.tryEmitEmpty();
  }
}
