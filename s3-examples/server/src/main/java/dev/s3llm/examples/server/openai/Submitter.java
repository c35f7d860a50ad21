package dev.s3llm.examples.server.openai;

import dev.s3llm.jcuda.text.TextGeneration;
import dev.s3llm.jcuda.text.TextGenerator;
import dev.s3llm.jcuda.text.TextRequest;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;
import reactor.core.publisher.Mono;

/**
 * Submits requests on threads of its own, since encoding a prompt takes time that the threads of
 * the web server do not have. Its queue is bounded. Thread-safe.
 */
public final class Submitter implements AutoCloseable {
  private final TextGenerator generator;
  private final ThreadPoolExecutor threads;

  /**
   * Starts the threads.
   *
   * @param generator stays open when this is closed
   * @param threadCount at least 1
   * @param queueCapacity requests that may wait for a thread, at least 1
   */
  public Submitter(TextGenerator generator, int threadCount, int queueCapacity) {
    this.generator = generator;
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
   * Submits a call's request; fails with {@link java.util.concurrent.RejectedExecutionException} if
   * the queue is full, and with what the generator throws.
   */
  Mono<TextGeneration> submit(Call call, TextRequest request) {
    // Not interrupted on cancellation: the call itself remembers that.
    return Mono.fromFuture(
        () -> CompletableFuture.supplyAsync(() -> submitNow(call, request), threads), true);
  }

  private TextGeneration submitNow(Call call, TextRequest request) {
    if (call.cancelled()) {
      throw new CancellationException("nobody waits for " + call.id());
    }
    TextGeneration generation = generator.submit(request);
    call.started(generation);
    return generation;
  }

  @Override
  public void close() {
    threads.shutdown();
  }
}
