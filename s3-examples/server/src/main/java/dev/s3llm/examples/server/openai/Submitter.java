package dev.s3llm.examples.server.openai;

import dev.s3llm.NeverFitsException;
import dev.s3llm.RequestRefusedException;
import dev.s3llm.S3Engine;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Submits requests on threads of its own, since encoding a prompt takes time that the threads of
 * the web server do not have. Its queue is bounded. Thread-safe.
 */
public final class Submitter implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Submitter.class);

  private final TextGenerator generator;
  private final CallListener listeners;
  private final ExpectedWait expectedWait = new ExpectedWait();
  private final ThreadPoolExecutor threads;

  /**
   * Starts the threads.
   *
   * @param generator stays open when this is closed
   * @param listeners hear of each call
   * @param threadCount at least 1
   * @param queueCapacity requests that may wait for a thread, at least 1
   */
  public Submitter(
      TextGenerator generator, List<CallListener> listeners, int threadCount, int queueCapacity) {
    this.generator = generator;
    this.listeners = new GuardedListeners(listeners);
    this.threads =
        new ThreadPoolExecutor(
            threadCount,
            threadCount,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(queueCapacity),
            new CustomizableThreadFactory("s3-submit-"));
  }

  /** Submits a call's request; fails with {@link ApiException} if it is not taken. */
  Mono<TextGeneration> submit(Call call, TextRequest request) {
    return Mono.create(
        sink -> {
          if (engineIsFull()) { // spares a flood the encoding of its prompts
            refuse(call, ApiException.queueFull(expectedWait.get()), sink);
            return;
          }
          try {
            threads.execute(() -> submitNow(call, request, sink));
          } catch (RejectedExecutionException e) {
            refuse(call, e, sink);
          }
        });
  }

  private boolean engineIsFull() {
    S3Engine engine = generator.engine();
    return engine.liveRequests() >= engine.maxLiveRequests();
  }

  private void submitNow(Call call, TextRequest request, MonoSink<TextGeneration> sink) {
    if (call.cancelled()) {
      refuse(call, ApiException.cancelled(), sink);
      return;
    }
    TextGeneration generation;
    try {
      generation = generator.submit(request);
    } catch (NeverFitsException e) {
      String message = String.valueOf(e.getMessage());
      refuse(call, ApiException.neverFits(toBlame(call, request, e), message), sink);
      return;
    } catch (IllegalArgumentException e) { // a prompt without tokens, for one
      refuse(call, ApiException.badRequest(String.valueOf(e.getMessage())), sink);
      return;
    } catch (Throwable e) { // an Error too ends the request only, whose client would wait for ever
      refuse(call, e, sink);
      return;
    }
    call.started(generation);
    watch(call, generation);
    sink.success(generation);
  }

  /** The limit, unless the prompt alone leaves no room for an answer. */
  private static String toBlame(Call call, TextRequest request, NeverFitsException refusal) {
    long prompt = refusal.neededTokens() - request.maxNewTokens().orElse(1);
    return prompt < refusal.limitTokens() ? call.limitField() : call.endpoint().promptField();
  }

  private void watch(Call call, TextGeneration generation) {
    CompletableFuture<?> unused = generation.estimate().thenAccept(expectedWait::learn);
    unused = generation.result().whenComplete((result, failure) -> over(call, result, failure));
  }

  /** Also a request that the engine refuses after it has looked at it was not taken. */
  private void over(Call call, @Nullable TextResult result, @Nullable Throwable failure) {
    Throwable refusal = result == null ? failure : refusal(result);
    if (refusal != null) {
      listeners.onRefused(call, ApiException.of(refusal, expectedWait.get()));
    } else if (result != null) {
      listeners.onEnd(call, result);
    }
  }

  private static @Nullable Throwable refusal(TextResult result) {
    Throwable failure = result.generation().failure().orElse(null);
    return failure instanceof RequestRefusedException ? failure : null;
  }

  /** What somebody who comes now waits for. */
  Duration expectedWait() {
    return expectedWait.get();
  }

  private void refuse(Call call, Throwable cause, MonoSink<TextGeneration> sink) {
    ApiException error = ApiException.of(cause, expectedWait.get());
    if (error.internal()) {
      log.warn("a request failed", cause);
    }
    listeners.onRefused(call, error);
    if (!call.cancelled()) {
      sink.error(error);
    }
  }

  @Override
  public void close() {
    threads.shutdown();
  }
}
