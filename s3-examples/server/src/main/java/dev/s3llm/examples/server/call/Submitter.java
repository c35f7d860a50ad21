package dev.s3llm.examples.server.call;

import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.examples.server.openai.ApiException;
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
 * Submits requests on threads of its own, since encoding a prompt takes too long for the web
 * server's threads. The queue of these threads is bounded. Thread-safe.
 */
public final class Submitter implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Submitter.class);
  private static final Duration LEAST_WAIT = Duration.ofSeconds(1);
  private static final Duration MOST_WAIT = Duration.ofMinutes(5);

  private final TextGenerator generator;
  private final Starter starter;
  private final CallListener listeners;
  private final ThreadPoolExecutor threads;

  /**
   * Starts the threads.
   *
   * @param generator is not closed with the submitter
   * @param listeners called at the end of each call
   * @param threadCount at least 1
   * @param queueCapacity requests that may wait for a thread, at least 1
   */
  public Submitter(
      TextGenerator generator, List<CallListener> listeners, int threadCount, int queueCapacity) {
    this.generator = generator;
    this.starter = new Starter(generator);
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

  /**
   * Submits the prompts of a call.
   *
   * @param prompts at least one
   * @return the answers, in order; an {@link ApiException} if one is refused
   */
  public Mono<List<Answer>> submit(Call call, List<Asked> prompts) {
    return Mono.create(
        sink -> {
          if (engineIsFull()) { // refused before its prompt is encoded
            refuse(call, ApiException.queueFull(expectedWait()), sink);
            return;
          }
          try {
            threads.execute(() -> submitNow(call, prompts, sink));
          } catch (RejectedExecutionException e) {
            refuse(call, e, sink);
          }
        });
  }

  private boolean engineIsFull() {
    S3Engine engine = generator.engine();
    return engine.liveRequests() >= engine.maxLiveRequests();
  }

  private void submitNow(Call call, List<Asked> prompts, MonoSink<List<Answer>> sink) {
    if (call.cancelled()) {
      refuse(call, ApiException.cancelled(), sink);
      return;
    }
    List<Answer> answers;
    try {
      answers = starter.start(prompts);
    } catch (NeverFitsException e) {
      refuse(call, neverFits(call, prompts.get(0).request(), e), sink);
      return;
    } catch (IllegalArgumentException e) { // a prompt without tokens, for one
      refuse(call, ApiException.refused(String.valueOf(e.getMessage())), sink);
      return;
    } catch (Throwable e) { // top of the thread: an Error must end this request only
      refuse(call, e, sink);
      return;
    }
    call.started(answers);
    answers.forEach(answer -> answer.generation().ifPresent(one -> watch(call, one)));
    sink.success(answers);
  }

  private static ApiException neverFits(
      Call call, TextRequest request, NeverFitsException refusal) {
    int limit = request.maxNewTokens().orElse(1);
    long prompt = refusal.neededTokens() - (limit == GenerationRequest.AS_MANY_AS_FIT ? 1 : limit);
    String field = call.endpoint().promptField();
    if (prompt < refusal.limitTokens()) { // the limit is to blame
      return ApiException.neverFits(
          call.limitField(),
          "This model's maximum context length is %d tokens. However, you requested %d tokens (%d in the %s, %d in the completion). Please reduce the length of the %s or completion."
              .formatted(
                  refusal.limitTokens(), refusal.neededTokens(), prompt, field, limit, field));
    }
    return ApiException.neverFits(
        field,
        "This model's maximum context length is %d tokens. However, your %s resulted in %d tokens. Please reduce the length of the %s."
            .formatted(refusal.limitTokens(), field, prompt, field));
  }

  private void watch(Call call, TextGeneration generation) {
    CompletableFuture<?> unused =
        generation.result().whenComplete((result, failure) -> ended(call, result, failure));
  }

  /** Reports the end; a request that the engine refused after its submission is refused. */
  private void ended(Call call, @Nullable TextResult result, @Nullable Throwable failure) {
    Throwable refusal = result == null ? failure : refusal(result);
    if (refusal != null) {
      listeners.onRefused(call, ApiException.of(refusal, expectedWait()));
    } else if (result != null) {
      listeners.onEnd(call, result);
    }
  }

  private static @Nullable Throwable refusal(TextResult result) {
    Throwable failure = result.generation().failure().orElse(null);
    return failure instanceof RequestRefusedException ? failure : null;
  }

  /**
   * Returns the expected waiting time of a new request, from one second, which also stands for an
   * unknown time, to five minutes.
   */
  public Duration expectedWait() {
    Duration wait = generator.engine().queueWait().orElse(LEAST_WAIT);
    if (wait.compareTo(LEAST_WAIT) < 0) {
      return LEAST_WAIT;
    }
    return wait.compareTo(MOST_WAIT) > 0 ? MOST_WAIT : wait;
  }

  private void refuse(Call call, Throwable cause, MonoSink<List<Answer>> sink) {
    ApiException error = ApiException.of(cause, expectedWait());
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
