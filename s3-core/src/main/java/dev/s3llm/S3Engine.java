package dev.s3llm;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.loop.CallbackPool;
import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.engine.loop.MaskThreads;
import dev.s3llm.engine.loop.PartsCloser;
import dev.s3llm.engine.monitor.Watchdog;
import dev.s3llm.engine.monitor.WatchdogThread;
import dev.s3llm.engine.plan.TenantPlaces;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.execute.Executor;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.Health;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.support.Nanos;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A text generation engine. It predicts the length of each answer, packs requests into KV memory by
 * these predictions, and recovers when a prediction was wrong.
 *
 * <pre>{@code
 * try (S3Engine engine = S3Engine.builder(executor).build()) {
 *   Generation generation = engine.submit(GenerationRequest.builder(promptTokens).build());
 *   int[] answer = generation.result().join().tokens();
 * }
 * }</pre>
 *
 * <p>Thread-safe. The loop runs on one thread, which belongs to the engine; callers may be virtual
 * threads.
 */
public final class S3Engine implements AutoCloseable {
  /** The most answers to one request, {@value}. */
  public static final int MOST_ANSWERS = 128;

  private static final Logger log = LoggerFactory.getLogger(S3Engine.class);

  private final RequestTranslator translator;
  private final Executor executor;
  private final LengthPredictor predictor;
  private final LongSupplier clock;
  private final Duration closeTimeout;
  private final java.util.concurrent.Executor callbacks;
  private final @Nullable CallbackPool ownCallbacks;
  private final java.util.concurrent.Executor masks;
  private final ThreadFactory closing;
  private final EngineLoop loop;
  private final EngineRunner runner;
  private final LiveGenerations live;
  private final Watchdog watchdog;
  private final @Nullable WatchdogThread watching;
  private final ReentrantLock lifecycle = new ReentrantLock();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private volatile boolean closed;
  private volatile @Nullable Throwable lossCause;

  S3Engine(EngineBuilder builder, EngineParts parts, @Nullable CallbackPool ownCallbacks) {
    this.translator = new RequestTranslator(parts.executor().profile());
    this.executor = parts.executor();
    this.predictor = parts.predictor();
    this.clock = builder.clock();
    this.live =
        new LiveGenerations(new TenantPlaces(builder.maxLiveRequests(), parts.tenantWeights()));
    this.closeTimeout = builder.closeTimeout();
    this.callbacks = parts.events().callbacks();
    this.ownCallbacks = ownCallbacks;
    this.masks = parts.masks();
    this.closing = builder.threads("close");
    this.runner = builder.runner(clock, this::loopLost);
    this.loop = new EngineLoop(parts, runner::wake);
    long limitNanos = builder.stuckAfterNanos();
    this.watchdog = new Watchdog(loop, runner, this::failLive, limitNanos);
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
      if (!started && watching != null) { // the loop's thread could not start
        watching.stop();
      }
    }
  }

  /** Checks the loop and the callback threads; the watchdog's thread calls it at each interval. */
  private void checkHealth() {
    watchdog.check(clock.getAsLong());
    if (ownCallbacks != null) {
      ownCallbacks.growIfBlocked();
    }
  }

  /**
   * Returns a builder of an engine.
   *
   * @param executor runs the model; the engine owns and closes it once it is built
   * @throws NullPointerException if {@code executor} is null
   */
  public static EngineBuilder builder(Executor executor) {
    return new EngineBuilder(executor);
  }

  /**
   * Submits a request. Returns at once; the request is predicted, queued and run by the loop.
   *
   * @param request the prompt, its limits and its options
   * @return the handle of the accepted request
   * @throws NullPointerException if {@code request} is null
   * @throws QueueFullException if {@link #maxLiveRequests} requests are live, or the free places
   *     are kept for other tenants ({@link EngineBuilder#maxLiveRequests}); retriable
   * @throws NeverFitsException if prompt and output limit exceed the context or the KV memory
   * @throws RequestRefusedException if a token id is not in the executor's vocabulary, the executor
   *     does not support what the request asks for, or the id of the request is live already
   *     ({@code INVALID_REQUEST}), if an input exceeds a step of the executor ({@code NEVER_FITS}),
   *     if the engine makes no progress at present ({@code ENGINE_UNHEALTHY}, retriable), or if it
   *     is closed or has failed ({@code ENGINE_CLOSED})
   */
  public Generation submit(GenerationRequest request) {
    Objects.requireNonNull(request, "request must not be null");
    long now = clock.getAsLong();
    try {
      translator.validate(request);
      return accept(request, now);
    } catch (RequestRefusedException refusal) {
      loop.refused(
          new EngineEvent.Refused(
              now, request.id(), refusal.reason(), translator.asked(request, now)));
      throw refusal;
    }
  }

  /**
   * Submits a request for several answers to the same prompt. They share the KV of the prompt if
   * the engine shares prefixes ({@link EngineBuilder#prefixSharing}), and count as that many
   * requests. The first answer is that of {@link #submit(GenerationRequest)}; the others have the
   * request's id with {@code #1}, {@code #2} and so on, and seeds of their own. With greedy
   * sampling all answers are equal.
   *
   * @param request the prompt, its limits and its options
   * @param n number of answers, from 1 to {@value #MOST_ANSWERS}
   * @return the handles, in order; if one answer is refused, all are
   * @throws NullPointerException if {@code request} is null
   * @throws IllegalArgumentException if {@code n} is out of range
   * @throws RequestRefusedException as {@link #submit(GenerationRequest)}; answers that were
   *     accepted before are cancelled
   */
  public List<Generation> submit(GenerationRequest request, int n) {
    Objects.requireNonNull(request, "request must not be null");
    if (n < 1 || n > MOST_ANSWERS) {
      throw new IllegalArgumentException(
          "n must be from 1 to %d, but is %d".formatted(MOST_ANSWERS, n));
    }
    List<Generation> answers = new ArrayList<>(n);
    try {
      for (int i = 0; i < n; i++) {
        answers.add(submit(request.answer(i)));
      }
    } catch (RequestRefusedException refusal) {
      answers.forEach(Generation::cancel);
      throw refusal;
    }
    return List.copyOf(answers);
  }

  /**
   * Submits a request for several answers, and returns those whose tokens have the highest mean log
   * probability. The answers are generated as by {@link #submit(GenerationRequest, int)}, with log
   * probabilities.
   *
   * @param request the prompt, its limits and its options
   * @param n number of answers to return, from 1 to {@code bestOf}
   * @param bestOf number of answers to generate, from 1 to {@value #MOST_ANSWERS}
   * @return a future of the answers, the best first; answers that failed, timed out or were
   *     cancelled come last. Cancelling it cancels them all
   * @throws NullPointerException if {@code request} is null
   * @throws IllegalArgumentException if {@code n} or {@code bestOf} is out of range
   * @throws RequestRefusedException as {@link #submit(GenerationRequest, int)}, also if the
   *     executor reports no log probabilities
   */
  public CompletableFuture<List<GenerationResult>> submitBestOf(
      GenerationRequest request, int n, int bestOf) {
    Objects.requireNonNull(request, "request must not be null");
    if (n < 1 || n > bestOf) {
      throw new IllegalArgumentException(
          "n must be from 1 to bestOf, but they are %d and %d".formatted(n, bestOf));
    }
    return BestAnswers.of(submit(request.scored(), bestOf), n);
  }

  private Generation accept(GenerationRequest request, long now) {
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
      live.add(generation, loop::queueWait);
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
      if (!queued) { // an OutOfMemoryError, for example: give the place back
        live.remove(generation);
      }
    }
  }

  /** Returns the most tokens that a request may have, prompt and output limit together. */
  public long maxTokensPerRequest() {
    return translator.maxTokens();
  }

  /**
   * Returns the number of live requests: those submitted and accepted whose result is not completed
   * yet. At most {@link #maxLiveRequests}.
   */
  public int liveRequests() {
    return live.size();
  }

  /** Returns how many requests may be live; further ones are refused. */
  public int maxLiveRequests() {
    return live.limit();
  }

  /**
   * Returns the expected time until the requests that wait now have started, if the load stays as
   * it is; empty before the engine has observed steps. A service can send it as {@code Retry-After}
   * where it refuses a request itself.
   */
  public Optional<Duration> queueWait() {
    return loop.queueWait();
  }

  /**
   * Returns the executor that runs user code, for libraries on top of the engine that have
   * callbacks of their own.
   */
  public java.util.concurrent.Executor callbackExecutor() {
    return callbacks;
  }

  /**
   * Returns the engine's state after the latest pass of its loop, together with its present health.
   * A request whose result is complete is counted as ended, and its KV blocks as returned; blocks
   * of a request that was cancelled while a step used them are returned after that step. Cheap.
   * While the loop is stuck, the numbers stay as they were after its latest pass.
   */
  public EngineSnapshot snapshot() {
    return loop.snapshot().with(health(), loop.refusals());
  }

  /**
   * Returns which running requests hold which KV blocks, and which requests wait. The loop's thread
   * collects these data between two commands of its next pass, so they are consistent. While the
   * loop hangs, the future does not complete, and further calls wait for the same inspection. Meant
   * for a few calls a second; {@link #snapshot} is cheaper where numbers are enough.
   *
   * @return a future that completes on the callback executor; it fails if the engine has closed or
   *     its loop has ended
   */
  public CompletableFuture<EngineInspection> inspect() {
    return loop.inspect();
  }

  /** Returns whether the engine makes progress, and what is wrong if it does not. */
  public Health health() {
    if (closed) {
      return Health.bad("the engine is closed");
    }
    Health permanent = permanentHealth();
    return permanent.healthy() ? watchdog.health() : permanent;
  }

  /** Returns a bad health once the engine is lost; unlike the watchdog's, it never recovers. */
  private Health permanentHealth() {
    Throwable cause = lossCause;
    return cause == null ? loop.snapshot().health() : Health.bad("the engine is lost: " + cause);
  }

  /**
   * Closes the engine: refuses new requests, waits up to the close timeout for live requests to
   * finish, cancels the rest, and closes the predictor and the executor.
   *
   * <p>Takes at most three times the close timeout and a few seconds: one timeout for requests to
   * finish, one for their cancellation, one for closing predictor and executor. If the loop has not
   * ended by then, the predictor stays open; if a step has not ended, the executor stays open; and
   * requests that are still live fail.
   *
   * <p>Idempotent: a second call returns at once. A call on the loop's own thread, where a callback
   * may run, returns at once too, and another thread closes the engine. {@link #whenClosed} says
   * when the close has ended.
   */
  @Override
  public void close() {
    shutDown(closeTimeout);
  }

  /**
   * Drops the kept KV of a tenant's requests without a salt, so that no later request begins with
   * it. Running requests go on. Their KV is kept no more when they end.
   *
   * @param tenant name of the tenant; empty for the requests without one
   * @throws NullPointerException if the tenant is null
   */
  public void forgetPrefixes(String tenant) {
    Objects.requireNonNull(tenant, "tenant must not be null");
    loop.forgetPrefixes(SequenceSpec.Sharing.within(tenant).scope());
  }

  /**
   * Drops the kept KV of the requests with a salt; see {@link #forgetPrefixes}.
   *
   * @param salt the salt ({@link GenerationRequest.Builder#cacheSalt})
   * @throws NullPointerException if the salt is null
   */
  public void forgetPrefixesWithSalt(String salt) {
    Objects.requireNonNull(salt, "salt must not be null");
    loop.forgetPrefixes(SequenceSpec.Sharing.withSalt(salt).scope());
  }

  /**
   * Closes the engine like {@link #close}, but cancels live requests at once. If another thread is
   * in {@code close}, its requests are cancelled too.
   */
  public void closeNow() {
    shutDown(Duration.ZERO);
  }

  /**
   * Returns a future that completes when the first {@link #close} or {@link #closeNow} has ended,
   * and never completes exceptionally. Its dependents run on the thread that closes the engine.
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
    boolean stepEnded = loopEnded && !loop.stepInFlight(); // a thread that died may leave a step
    if (watching != null) {
      watching.stop();
    }
    failLive(new Failure(Failure.Kind.LOST, new IllegalStateException("the engine was closed")));
    releaseParts(loopEnded, stepEnded);
  }

  /**
   * Waits for the loop to end: first until its requests have finished, then until they are
   * cancelled. Returns whether it has ended.
   */
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
      Thread.currentThread().interrupt(); // an interrupted caller does not wait for requests
    }
    runner.stop();
    return runner.joinStopped(TimeUnit.SECONDS.toNanos(1));
  }

  /**
   * Closes the parts that are no longer in use. A part in use stays open: freeing memory that
   * native code works on would crash the JVM.
   */
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
    if (masks instanceof MaskThreads own) {
      own.close();
    }
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

  /** Fails every live request, because the loop has failed for good. */
  private void loopLost(Throwable cause) {
    lossCause = cause;
    failLive(new Failure(Failure.Kind.LOST, cause));
  }

  /** Fails every live request without the loop; a failed loop also ends its inspections. */
  private void failLive(Failure failure) {
    if (failure.kind() == Failure.Kind.LOST) {
      loop.failInspections(failure.cause());
    }
    List<Generation> pending;
    lifecycle.lock(); // waits for a submission that is under way, so that none is missed
    try {
      pending = live.all();
    } finally {
      lifecycle.unlock();
    }
    LiveGenerations.abandon(pending, failure, clock);
  }
}
