package dev.s3llm;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.loop.CallbackPool;
import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.engine.loop.PartsCloser;
import dev.s3llm.engine.monitor.Watchdog;
import dev.s3llm.engine.monitor.WatchdogThread;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.execute.Executor;
import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.Health;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.support.Nanos;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves text generation: predicts how long each answer will be, packs requests into KV memory by
 * that, and recovers when a prediction was wrong.
 *
 * <pre>{@code
 * try (S3Engine engine = S3Engine.builder(executor).build()) {
 *   Generation generation = engine.submit(GenerationRequest.builder(promptTokens).build());
 *   int[] answer = generation.result().join().tokens();
 * }
 * }</pre>
 *
 * <p>Thread-safe. One thread of the engine's own runs the loop; callers may be virtual threads.
 */
public final class S3Engine implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(S3Engine.class);

  private final RequestTranslator translator;
  private final Executor executor;
  private final LengthPredictor predictor;
  private final LongSupplier clock;
  private final Duration closeTimeout;
  private final java.util.concurrent.Executor callbacks;
  private final @Nullable CallbackPool ownCallbacks;
  private final ThreadFactory closing;
  private final EngineLoop loop;
  private final EngineRunner runner;
  private final LiveGenerations live;
  private final Watchdog watchdog;
  private final @Nullable WatchdogThread watching;
  private final ReentrantLock lifecycle = new ReentrantLock();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private volatile boolean closed;
  private volatile @Nullable Throwable lostTo;

  S3Engine(EngineBuilder builder, EngineParts parts, @Nullable CallbackPool ownCallbacks) {
    this.translator = new RequestTranslator(parts.executor().profile());
    this.executor = parts.executor();
    this.predictor = parts.predictor();
    this.clock = builder.clock();
    this.live = new LiveGenerations(builder.maxLiveRequests());
    this.closeTimeout = builder.closeTimeout();
    this.callbacks = parts.events().callbacks();
    this.ownCallbacks = ownCallbacks;
    this.closing = builder.threads("close");
    this.runner = builder.runner(clock, this::lost);
    this.loop = new EngineLoop(parts, runner::wake);
    long limitNanos = builder.stuckAfterNanos();
    this.watchdog = new Watchdog(loop, runner, this::abandon, limitNanos);
    this.watching =
        limitNanos == 0
            ? null
            : WatchdogThread.start(
                this::checkHealth, watchdog.intervalNanos(), builder.threads("watchdog"));
    start();
  }

  private void start() {
    boolean started = false;
    try {
      runner.start(loop);
      started = true;
    } finally {
      if (!started && watching != null) { // no thread left
        watching.stop();
      }
    }
  }

  /** What the watchdog's thread does at each interval. */
  private void checkHealth() {
    watchdog.check(clock.getAsLong());
    if (ownCallbacks != null) {
      ownCallbacks.relieve();
    }
  }

  /** Starts an engine around an executor, which the engine then owns and closes. */
  public static EngineBuilder builder(Executor executor) {
    return new EngineBuilder(executor);
  }

  /**
   * Accepts a request.
   *
   * @param request what to generate
   * @return the handle of the accepted request
   * @throws QueueFullException if as many requests are live as the engine accepts; retriable
   * @throws NeverFitsException if prompt and output limit exceed the context or the KV memory
   * @throws RequestRefusedException if a field is not valid for this executor ({@code
   *     INVALID_REQUEST}), if the engine makes no progress at present ({@code ENGINE_UNHEALTHY},
   *     retriable), or if it is closed or has failed ({@code ENGINE_CLOSED})
   */
  public Generation submit(GenerationRequest request) {
    translator.validate(request);
    long now = clock.getAsLong();
    lifecycle.lock();
    try {
      requireOpen(request.id());
      long sequenceId = loop.nextSequenceId();
      Generation generation =
          new Generation(
              request,
              callbacks,
              now,
              () -> loop.cancel(sequenceId),
              live::remove,
              loop::reportCallbackFailure);
      SequenceSpec spec = translator.spec(request, generation.sink(), now);
      live.add(generation);
      enqueue(sequenceId, spec, generation);
      return generation;
    } finally {
      lifecycle.unlock();
    }
  }

  private void enqueue(long sequenceId, SequenceSpec spec, Generation generation) {
    boolean queued = false;
    try {
      loop.submit(sequenceId, spec);
      queued = true;
    } finally {
      if (!queued) { // no memory: its place is free again
        live.remove(generation);
      }
    }
  }

  /** The most tokens that a request may have, prompt and output limit together. */
  public long maxTokensPerRequest() {
    return translator.maxTokens();
  }

  /** How many requests are live, and hold one of {@link #maxLiveRequests} places. */
  public int liveRequests() {
    return live.size();
  }

  /** How many requests may be live; more are refused. */
  public int maxLiveRequests() {
    return live.limit();
  }

  /** Where user code runs, for layers on top of the engine that call some too. */
  public java.util.concurrent.Executor callbackExecutor() {
    return callbacks;
  }

  /**
   * The engine's state after its latest pass, and its health now: while the loop is stuck, the
   * numbers are those from before.
   */
  public EngineSnapshot snapshot() {
    return loop.snapshot().with(health());
  }

  /**
   * Who holds which KV blocks and who waits. The loop's own thread takes this picture in its next
   * pass, so it is consistent, and it takes as long as the loop needs to come to it: while the loop
   * hangs, there is none, and whoever asks again waits for the same. Fails once the engine has
   * closed or its loop has ended. What depends on the future runs on the callback executor. To look
   * at twice a second, say; for numbers alone {@link #snapshot} costs nothing.
   */
  public CompletableFuture<EngineInspection> inspect() {
    return loop.inspect();
  }

  /** Whether the engine gets on with its work, and what is wrong if it does not. */
  public Health health() {
    if (closed) {
      return Health.bad("the engine is closed");
    }
    Health permanent = permanentHealth();
    return permanent.healthy() ? watchdog.health() : permanent;
  }

  /** Bad once the engine is lost; a verdict of the watchdog may pass, this one does not. */
  private Health permanentHealth() {
    Throwable cause = lostTo;
    return cause == null ? loop.snapshot().health() : Health.bad("the engine is lost: " + cause);
  }

  /**
   * Refuses new requests, lets the live ones finish within the close timeout, cancels the rest, and
   * closes the executor and the predictor. Idempotent: a second call returns at once. Takes at most
   * three times the close timeout and a few seconds: to finish, to cancel, and to close the parts.
   * The executor stays open if its step has not ended by then, the predictor if the loop has not,
   * and whoever waits for a request gets its failure. On the loop's own thread, where a callback
   * may run, it returns at once as well and ends on another; {@link #whenClosed} tells.
   */
  @Override
  public void close() {
    shutDown(closeTimeout);
  }

  /**
   * Like {@link #close}, but cancels live requests at once, those that a {@code close} under way
   * waits for as well.
   */
  public void closeNow() {
    shutDown(Duration.ZERO);
  }

  /**
   * Completes, never exceptionally, when a {@link #close} or {@link #closeNow} has ended, by
   * whomever it was called. What depends on the future runs on the thread that closes.
   */
  public CompletableFuture<Void> whenClosed() {
    return ended.copy();
  }

  private void shutDown(Duration grace) {
    boolean first;
    lifecycle.lock();
    try {
      first = !closed;
      closed = true;
    } finally {
      lifecycle.unlock();
    }
    if (grace.isZero()) {
      loop.cancelAll();
    }
    if (!first) {
      return;
    }
    runner.drain();
    if (runner.onThread()) { // a callback on the loop's thread: the loop ends after it returns
      closing.newThread(() -> finish(grace)).start();
    } else {
      finish(grace);
    }
  }

  private void finish(Duration grace) {
    try {
      endAll(grace);
    } finally {
      ended.complete(null);
    }
  }

  private void endAll(Duration grace) {
    boolean loopEnded = awaitEnd(grace);
    boolean stepEnded = loopEnded && !loop.stepInFlight(); // a thread that died left one behind
    if (watching != null) {
      watching.stop();
    }
    abandon(new Failure(Failure.Kind.LOST, new IllegalStateException("the engine was closed")));
    releaseParts(loopEnded, stepEnded);
  }

  /** Waits for the loop: first for its requests to finish, then for their cancellation. */
  private boolean awaitEnd(Duration grace) {
    try {
      if (runner.join(Nanos.of(grace))) {
        return true;
      }
      loop.cancelAll();
      if (runner.join(Nanos.of(closeTimeout))) {
        return true;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // whoever is in a hurry does not wait for requests
    }
    runner.stop();
    return runner.joinStopped(TimeUnit.SECONDS.toNanos(1));
  }

  /** Closes what is not in use any more: to free what native code still works on ends the JVM. */
  private void releaseParts(boolean loopEnded, boolean stepEnded) {
    PartsCloser closer = new PartsCloser(closeTimeout, closing);
    if (loopEnded) {
      closer.close("the predictor", predictor::close);
    } else {
      log.warn("the loop did not end within {}: its predictor stays open", closeTimeout);
    }
    if (stepEnded) {
      closer.close("the executor", executor::close);
    } else {
      log.warn("a step did not end within {}: its executor stays open", closeTimeout);
    }
    closer.run();
    if (ownCallbacks != null) {
      ownCallbacks.close();
    }
  }

  private void requireOpen(String requestId) {
    if (closed) {
      throw new RequestRefusedException(requestId, Reason.ENGINE_CLOSED, "the engine is closed");
    }
    Health permanent = permanentHealth();
    if (!permanent.healthy()) {
      throw new RequestRefusedException(requestId, Reason.ENGINE_CLOSED, permanent.reason());
    }
    Health present = watchdog.health();
    if (!present.healthy()) {
      throw new RequestRefusedException(
          requestId, Reason.ENGINE_UNHEALTHY, "the engine makes no progress: " + present.reason());
    }
  }

  /** Called when the loop is lost: nothing that it still owes an end may go without. */
  private void lost(Throwable cause) {
    lostTo = cause;
    abandon(new Failure(Failure.Kind.LOST, cause));
  }

  private void abandon(Failure failure) {
    if (failure.kind() == Failure.Kind.LOST) {
      loop.endInspections(failure.cause());
    }
    List<Generation> pending;
    lifecycle.lock(); // after a submission that is under way
    try {
      pending = live.all();
    } finally {
      lifecycle.unlock();
    }
    LiveGenerations.abandon(pending, failure, clock);
  }
}
