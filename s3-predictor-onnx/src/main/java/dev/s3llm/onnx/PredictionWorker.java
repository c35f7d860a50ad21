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
 * The thread that runs the model. It takes the waiting queries, up to a batch, groups prompts of
 * similar length so that little is padded, and answers them; then it updates the online head with
 * the feedback that has arrived.
 *
 * <p>A failure fails the queries that it concerns and no others, and never ends the thread.
 */
final class PredictionWorker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PredictionWorker.class);

  /**
   * The largest length of a group's longest prompt, relative to its shortest; plus a few tokens.
   */
  private static final double MAX_STRETCH = 1.25;

  private static final int STRETCH_TOKENS = 8;
  private static final int MAX_FEEDBACK = 1024;

  /** The most updates of the online head between two batches while queries wait. */
  private static final int UPDATES_PER_BATCH = 32;

  private final ModelSlot slot;
  private final ScoreCache cache;
  private final PredictorCounters counters;
  private final int maxBatch;
  private final BlockingQueue<Query> waiting;
  private final BlockingQueue<LengthFeedback> feedback = new ArrayBlockingQueue<>(MAX_FEEDBACK);
  private final Query wakeUp = new Query("", 0);
  private final AtomicBoolean closed = new AtomicBoolean();
  private boolean warned;

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
    this.waiting = new ArrayBlockingQueue<>(queueCapacity + 1); // and one wake-up
    threads.newThread(this::run).start();
  }

  ModelSlot slot() {
    return slot;
  }

  /**
   * Returns a prediction, not capped; it fails if the queue is full, the model fails, or closed.
   */
  CompletableFuture<LengthPrediction> predict(String prompt) {
    LengthModel model = slot.current();
    Scores known = cache.get(prompt, model);
    if (known != null) {
      counters.cacheHits.increment();
      counters.predictions.increment();
      return CompletableFuture.completedFuture(slot.interpret(model, known));
    }
    Query query = new Query(prompt, System.nanoTime());
    if (closed.get() || !waiting.offer(query)) {
      counters.rejected.increment();
      query.fail(
          new RejectedExecutionException("the length predictor is closed or has a full queue"));
    } else if (closed.get()) {
      failWaiting(); // closed in between: the thread may have missed it
    }
    return query.answer;
  }

  /** Queues feedback for the online head; drops it if the queue is full. */
  void learn(LengthFeedback item) {
    if (item.query().promptText() != null && feedback.offer(item) && waiting.isEmpty()) {
      boolean unused = waiting.offer(wakeUp); // the thread may be waiting
    }
  }

  private void run() {
    List<Query> batch = new ArrayList<>();
    while (!closed.get()) {
      try {
        batch.add(waiting.take());
        waiting.drainTo(batch, maxBatch - 1);
        batch.removeIf(query -> query == wakeUp);
        process(batch);
      } catch (InterruptedException e) {
        log.debug("the length predictor's thread was interrupted, which does not end it", e);
      } catch (RuntimeException | Error e) {
        fail(batch, e);
      } finally {
        batch.clear();
      }
    }
    failWaiting();
  }

  private void process(List<Query> batch) {
    LengthModel model = slot.acquire();
    try {
      answer(encoded(batch, model), model);
      updateHead(model);
    } finally {
      model.end();
    }
  }

  /** Encodes the prompts; returns the queries whose prompts could be encoded, shortest first. */
  private List<Query> encoded(List<Query> batch, LengthModel model) {
    List<Query> encoded = new ArrayList<>();
    for (Query query : batch) {
      try {
        query.ids = model.encode(query.prompt);
        encoded.add(query);
      } catch (RuntimeException e) {
        fail(List.of(query), e);
      }
    }
    encoded.sort(Comparator.comparingInt(query -> query.ids.length));
    return encoded;
  }

  private void answer(List<Query> queries, LengthModel model) {
    int start = 0;
    for (int i = 1; i <= queries.size(); i++) {
      int shortest = queries.get(start).ids.length;
      if (i == queries.size()
          || i - start == model.maxBatch()
          || queries.get(i).ids.length > shortest * MAX_STRETCH + STRETCH_TOKENS) {
        answerGroup(queries.subList(start, i), model);
        start = i;
      }
    }
  }

  private void answerGroup(List<Query> group, LengthModel model) {
    Scores[] scores;
    try {
      scores = model.run(group.stream().map(query -> query.ids).toList());
      counters.batches.increment();
    } catch (RuntimeException e) {
      fail(group, e);
      return;
    }
    for (int i = 0; i < scores.length; i++) {
      Query query = group.get(i);
      try {
        answerOne(query, scores[i].requireFinite(), model);
      } catch (RuntimeException e) {
        fail(List.of(query), e);
      }
    }
  }

  private void answerOne(Query query, Scores scores, LengthModel model) {
    LengthPrediction prediction = slot.interpret(model, scores);
    cache.put(query.prompt, model, scores);
    counters.predictions.increment();
    counters.latency(System.nanoTime() - query.startNanos);
    query.answer.complete(prediction);
  }

  private void updateHead(LengthModel model) {
    int updates = 0;
    while (!closed.get() && (waiting.isEmpty() || updates < UPDATES_PER_BATCH)) {
      LengthFeedback item = feedback.poll();
      if (item == null) {
        return;
      }
      String prompt = item.query().promptText();
      Scores scores = prompt == null ? null : cache.get(prompt, model);
      if (scores != null) {
        slot.learn(model, scores, item.actualTokens(), item.censored());
      }
      updates++;
    }
  }

  /** Fails the queries without an answer; counts first, so that their callbacks see the count. */
  private void fail(List<Query> queries, Throwable cause) {
    if (!closed.get()) { // after closing it is not a failure of the model
      counters.failures.add(queries.stream().filter(query -> !query.answer.isDone()).count());
      logFailure(cause);
    }
    queries.forEach(query -> query.fail(cause));
  }

  private void logFailure(Throwable cause) {
    if (warned) {
      log.debug("the length model failed", cause);
    } else {
      warned = true;
      log.warn("the length model failed, its fallback answers; later failures at DEBUG", cause);
    }
  }

  private void failWaiting() {
    List<Query> rest = new ArrayList<>();
    waiting.drainTo(rest);
    IllegalStateException cause = new IllegalStateException("the length predictor is closed");
    rest.forEach(query -> query.fail(cause));
    boolean unused = waiting.offer(wakeUp); // wakes the thread, which then ends
  }

  /**
   * Fails the queries that wait, waits for the run in progress, and releases the model. If called
   * from a callback of that run, the model is released at the end of the run. Idempotent.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      failWaiting();
    }
    slot.close();
  }

  private static final class Query {
    final String prompt;
    final long startNanos;
    final CompletableFuture<LengthPrediction> answer = new CompletableFuture<>();
    long[] ids = {};

    Query(String prompt, long startNanos) {
      this.prompt = prompt;
      this.startNanos = startNanos;
    }

    void fail(Throwable cause) {
      boolean unused = answer.completeExceptionally(cause);
    }
  }
}
