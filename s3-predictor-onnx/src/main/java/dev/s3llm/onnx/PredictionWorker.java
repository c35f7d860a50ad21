package dev.s3llm.onnx;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that runs the model. It takes whatever waits, up to a batch, groups prompts of similar
 * length so that little is padded, and answers; then it learns from the feedback that has come.
 */
final class PredictionWorker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PredictionWorker.class);

  /** A prompt joins a group whose longest is at most this many times as long, and a little. */
  private static final double MAX_STRETCH = 1.25;

  private static final int STRETCH_TOKENS = 8;
  private static final int MAX_FEEDBACK = 1024;

  private final ModelSlot slot;
  private final ScoreCache cache;
  private final PredictorCounters counters;
  private final int maxBatch;
  private final BlockingQueue<Work> queue;
  private final Thread thread;
  private final AtomicBoolean closed = new AtomicBoolean();

  PredictionWorker(
      ModelSlot slot,
      ScoreCache cache,
      PredictorCounters counters,
      int maxBatch,
      int queueCapacity,
      ThreadFactory threads) {
    this.slot = slot;
    this.cache = cache;
    this.counters = counters;
    this.maxBatch = maxBatch;
    this.queue = new ArrayBlockingQueue<>(queueCapacity);
    this.thread = threads.newThread(this::run);
    thread.start();
  }

  ModelSlot slot() {
    return slot;
  }

  /** Asks for a prediction, uncapped; fails when the queue is full, the model fails, or closed. */
  CompletableFuture<LengthPrediction> ask(String prompt) {
    LengthModel model = slot.current();
    Scores known = cache.get(prompt, model);
    if (known != null) {
      counters.cacheHits.increment();
      counters.predictions.increment();
      return CompletableFuture.completedFuture(slot.interpret(model, known));
    }
    Ask ask = new Ask(prompt, System.nanoTime(), new CompletableFuture<>());
    if (closed.get() || !queue.offer(ask)) {
      counters.rejected.increment();
      ask.answer.completeExceptionally(
          new RejectedExecutionException("the length predictor is closed or has a full queue"));
    } else if (closed.get()) {
      failWaiting(); // it closed in between, and may not have seen this one
    }
    return ask.answer;
  }

  /** Notes feedback for the online head; dropped when there is too much. */
  void learn(LengthFeedback feedback) {
    if (feedback.query().promptText() != null && queue.size() < MAX_FEEDBACK) {
      boolean unused = queue.offer(new Learn(feedback));
    }
  }

  private void run() {
    List<Work> batch = new ArrayList<>();
    while (!closed.get()) {
      try {
        batch.add(queue.take());
        queue.drainTo(batch, maxBatch - 1);
        process(batch);
      } catch (InterruptedException e) {
        return; // close interrupts
      } catch (RuntimeException e) {
        log.warn("the length predictor failed; its fallback answers", e);
      } finally {
        batch.forEach(Work::abandon);
        batch.clear();
      }
    }
  }

  private void process(List<Work> batch) {
    List<Ask> asks = new ArrayList<>();
    for (Work work : batch) {
      if (work instanceof Ask ask) {
        asks.add(ask);
      }
    }
    LengthModel model = slot.acquire();
    try {
      answer(asks, model);
      for (Work work : batch) {
        if (work instanceof Learn learn) {
          learn(learn.feedback, model);
        }
      }
    } finally {
      model.end();
    }
  }

  private void answer(List<Ask> asks, LengthModel model) {
    for (Ask ask : asks) {
      ask.ids = model.encode(ask.prompt);
    }
    asks.sort(Comparator.comparingInt(ask -> ask.ids.length));
    int start = 0;
    for (int i = 1; i <= asks.size(); i++) {
      int shortest = asks.get(start).ids.length;
      if (i == asks.size()
          || i - start == model.maxBatch()
          || asks.get(i).ids.length > shortest * MAX_STRETCH + STRETCH_TOKENS) {
        answerGroup(asks.subList(start, i), model);
        start = i;
      }
    }
  }

  private void answerGroup(List<Ask> group, LengthModel model) {
    Scores[] scores;
    try {
      scores = model.run(group.stream().map(ask -> ask.ids).toList());
      counters.batches.increment();
    } catch (LengthModelException e) {
      counters.failures.add(group.size());
      if (counters.failures.sum() == group.size()) {
        log.warn("the length model failed, its fallback answers; later failures at DEBUG", e);
      } else {
        log.debug("the length model failed", e);
      }
      group.forEach(ask -> ask.answer.completeExceptionally(e));
      return;
    }
    for (int i = 0; i < scores.length; i++) {
      Ask ask = group.get(i);
      cache.put(ask.prompt, model, scores[i]);
      counters.predictions.increment();
      counters.latency(System.nanoTime() - ask.askedNanos);
      ask.answer.complete(slot.interpret(model, scores[i]));
    }
  }

  private void learn(LengthFeedback feedback, LengthModel model) {
    String prompt = feedback.query().promptText();
    Scores scores = prompt == null ? null : cache.get(prompt, model);
    if (scores != null) {
      slot.learn(model, scores, feedback.actualTokens(), feedback.censored());
    }
  }

  private void failWaiting() {
    List<Work> rest = new ArrayList<>();
    queue.drainTo(rest);
    rest.forEach(Work::abandon);
  }

  /** Fails what waits, waits for the run under way, and releases the model. Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      thread.interrupt();
      failWaiting();
      slot.close();
    }
  }

  private sealed interface Work {
    /** Fails what nobody has answered. */
    default void abandon() {}
  }

  private static final class Ask implements Work {
    final String prompt;
    final long askedNanos;
    final CompletableFuture<LengthPrediction> answer;
    long[] ids = {};

    Ask(String prompt, long askedNanos, CompletableFuture<LengthPrediction> answer) {
      this.prompt = prompt;
      this.askedNanos = askedNanos;
      this.answer = answer;
    }

    @Override
    public void abandon() {
      if (!answer.isDone()) {
        answer.completeExceptionally(new IllegalStateException("the length predictor is closed"));
      }
    }
  }

  private record Learn(LengthFeedback feedback) implements Work {}
}
