package dev.s3llm;

import dev.s3llm.engine.EngineLoop;
import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.EngineRunner;
import dev.s3llm.engine.SequenceSpec;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
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

  private final ExecutorProfile profile;
  private final Executor executor;
  private final LengthPredictor predictor;
  private final NanoClock clock;
  private final int maxLiveRequests;
  private final Duration closeTimeout;
  private final java.util.concurrent.Executor callbacks;
  private final @Nullable ExecutorService ownCallbacks;
  private final ThreadFactory threads;
  private final EngineLoop loop;
  private final EngineRunner runner;
  private final Map<String, Generation> live = new ConcurrentHashMap<>();
  private final ReentrantLock lifecycle = new ReentrantLock();
  private boolean closed;

  S3Engine(EngineBuilder builder, EngineParts parts, @Nullable ExecutorService ownCallbacks) {
    this.profile = parts.executor().profile();
    this.executor = parts.executor();
    this.predictor = parts.predictor();
    this.clock = builder.clock();
    this.maxLiveRequests = builder.maxLiveRequests();
    this.closeTimeout = builder.closeTimeout();
    this.callbacks = parts.callbacks();
    this.ownCallbacks = ownCallbacks;
    this.threads = builder.threads();
    this.runner = new EngineRunner(clock::nanos, threads);
    this.loop = new EngineLoop(parts, runner::wake);
    runner.start(loop);
  }

  /** Starts an engine around an executor, which the engine then owns and closes. */
  public static EngineBuilder builder(Executor executor) {
    return new EngineBuilder(executor);
  }

  /**
   * Accepts a request.
   *
   * @throws QueueFullException if as many requests are live as the engine takes; try later
   * @throws NeverFitsException if prompt and limit exceed the context or the KV memory
   * @throws InvalidRequestException if a field makes no sense to this executor
   * @throws EngineClosedException if the engine is closed or has failed
   */
  public Generation submit(GenerationRequest request) {
    validate(request);
    long now = clock.nanos();
    lifecycle.lock();
    try {
      requireOpen(request.id());
      if (live.size() >= maxLiveRequests) {
        throw new QueueFullException(request.id(), maxLiveRequests);
      }
      Ticket ticket = new Ticket();
      Generation generation = new Generation(request, callbacks, g -> ticket.cancel(loop));
      if (live.putIfAbsent(request.id(), generation) != null) {
        throw new InvalidRequestException(request.id(), "a request with this id is live");
      }
      ticket.set(loop.submit(spec(request, generation, now)), loop);
      return generation;
    } finally {
      lifecycle.unlock();
    }
  }

  /** The most tokens that a request may have, prompt and output limit together. */
  public long maxTokensPerRequest() {
    return Math.min(profile.maxContextTokens(), profile.capacityTokens());
  }

  /** How many requests may be live; more are refused. */
  public int maxLiveRequests() {
    return maxLiveRequests;
  }

  /** Where user code runs, for layers on top of the engine that call some too. */
  public java.util.concurrent.Executor callbackExecutor() {
    return callbacks;
  }

  /** The engine's state after its latest pass. */
  public EngineSnapshot snapshot() {
    return loop.snapshot();
  }

  /**
   * Refuses new requests, lets the live ones finish within the close timeout, cancels the rest, and
   * closes the executor and the predictor. Idempotent: a second call returns at once. Takes at most
   * twice the close timeout and a few seconds; the executor stays open if its step has not ended by
   * then, and whoever waits for a request gets its failure.
   */
  @Override
  public void close() {
    shutDown(closeTimeout);
  }

  /** Like {@link #close}, but cancels live requests at once. */
  public void closeNow() {
    shutDown(Duration.ZERO);
  }

  private void shutDown(Duration grace) {
    lifecycle.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
    } finally {
      lifecycle.unlock();
    }
    if (grace.isZero()) {
      loop.cancelAll();
    }
    runner.drain();
    if (runner.onThread()) { // a callback on the loop's thread: the loop ends after it returns
      threads.newThread(() -> finish(grace)).start();
    } else {
      finish(grace);
    }
  }

  private void finish(Duration grace) {
    boolean ended = awaitEnd(grace);
    releaseParts(ended);
  }

  /** Waits for the loop: first for its requests to finish, then for their cancellation. */
  private boolean awaitEnd(Duration grace) {
    try {
      if (runner.join(grace.toNanos())) {
        return true;
      }
      loop.cancelAll();
      if (runner.join(closeTimeout.toNanos())) {
        return true;
      }
      runner.stop();
      return runner.join(TimeUnit.SECONDS.toNanos(1)) && !loop.stepInFlight();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      runner.stop();
      return false;
    }
  }

  private void releaseParts(boolean ended) {
    predictor.close();
    if (ended) {
      executor.close();
    } else {
      log.warn("a step did not end within {}: its executor stays open", closeTimeout);
    }
    if (ownCallbacks != null) {
      ownCallbacks.shutdown();
      awaitCallbacks(ownCallbacks);
    }
  }

  private static void awaitCallbacks(ExecutorService service) {
    try {
      if (!service.awaitTermination(1, TimeUnit.SECONDS)) {
        log.warn("callbacks are still running after the engine closed");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void requireOpen(String requestId) {
    if (closed) {
      throw new EngineClosedException(requestId, "the engine is closed");
    }
    if (!loop.snapshot().healthy()) {
      throw new EngineClosedException(requestId, "the engine has failed; see its log");
    }
  }

  private void validate(GenerationRequest request) {
    long needed = (long) request.promptLength() + request.maxNewTokens();
    if (needed > profile.maxContextTokens()) {
      throw new NeverFitsException(
          request.id(), needed, profile.maxContextTokens(), "the model's context");
    }
    if (needed > profile.capacityTokens()) {
      throw new NeverFitsException(
          request.id(), needed, profile.capacityTokens(), "the KV memory (in tokens)");
    }
    requireInVocabulary(request.id(), "promptTokens", request.sharedPrompt());
    requireInVocabulary(request.id(), "stopTokens", request.sharedStops());
  }

  private void requireInVocabulary(String id, String field, int[] tokens) {
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] < 0 || tokens[i] >= profile.vocabularySize()) {
        throw new InvalidRequestException(
            id,
            "%s[%d] is %d, but token ids are in [0, %d)"
                .formatted(field, i, tokens[i], profile.vocabularySize()));
      }
    }
  }

  private SequenceSpec spec(GenerationRequest request, Generation generation, long now) {
    LengthQuery query =
        new LengthQuery(
            request.promptLength(),
            request.promptText().orElse(null),
            request.lengthKey().orElse(null),
            request.lengthHint().orElse(0),
            request.maxNewTokens());
    return new SequenceSpec(
        request.id(),
        request.promptTokens(),
        request.sharedStops(),
        request.sampling(),
        request.tenant(),
        request.priority(),
        now,
        request.deadline().map(d -> deadline(now, d)).orElse(Long.MAX_VALUE),
        query,
        generation.sink(g -> live.remove(g.id(), g)),
        request.timePerOutputToken().map(S3Engine::nanos).orElse(Long.MAX_VALUE));
  }

  private static long nanos(Duration duration) {
    return deadline(0, duration);
  }

  private static long deadline(long now, Duration after) {
    try {
      return Math.addExact(now, after.toNanos());
    } catch (ArithmeticException e) {
      return after.isNegative() ? now : Long.MAX_VALUE;
    }
  }

  /** Names a request to the loop once it is there; a cancellation before that is remembered. */
  private static final class Ticket {
    private @Nullable Object name;
    private boolean cancelled;

    synchronized void set(Object submitted, EngineLoop loop) {
      name = submitted;
      if (cancelled) {
        loop.cancel(submitted);
      }
    }

    synchronized void cancel(EngineLoop loop) {
      cancelled = true;
      if (name != null) {
        loop.cancel(name);
      }
    }
  }
}
