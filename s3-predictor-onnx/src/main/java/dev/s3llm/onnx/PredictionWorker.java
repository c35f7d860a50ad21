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
 *
 * <p>A failure fails the questions that it concerns and no others, and never the thread.
 */
final class PredictionWorker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PredictionWorker.class);

  /** A prompt joins a group whose shortest it is at most this many times as long as, and a bit. */
  private static final double MAX_STRETCH = 1.25;

  private static final int STRETCH_TOKENS = 8;
  private static final int MAX_FEEDBACK = 1024;

  /** Lessons learned between two batches while questions wait. */
  private static final int LESSONS_A_BATCH = 32;

  private final ModelSlot slot;
  private final ScoreCache cache;
  private final PredictorCounters counters;
  private final int maxBatch;
  private final BlockingQueue<Ask> questions;
  private final BlockingQueue<LengthFeedback> feedback = new ArrayBlockingQueue<>(MAX_FEEDBACK);
  private final Ask wakeUp = new Ask("", 0);
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
    this.questions = new ArrayBlockingQueue<>(queueCapacity + 1); // and one wake-up
    threads.newThread(this::run).start();
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
    Ask ask = new Ask(prompt, System.nanoTime());
    if (closed.get() || !questions.offer(ask)) {
      counters.rejected.increment();
      ask.fail(
          new RejectedExecutionException("the length predictor is closed or has a full queue"));
    } else if (closed.get()) {
      failWaiting(); // it closed in between, and may not have seen this one
    }
    return ask.answer;
  }

  /** Notes feedback for the online head; dropped when there is too much. */
  void learn(LengthFeedback lesson) {
    if (lesson.query().promptText() != null && feedback.offer(lesson) && questions.isEmpty()) {
      boolean unused = questions.offer(wakeUp); // the worker may sleep
    }
  }

  private void run() {
    List<Ask> batch = new ArrayList<>();
    while (!closed.get()) {
      try {
        batch.add(questions.take());
        questions.drainTo(batch, maxBatch - 1);
        batch.removeIf(ask -> ask == wakeUp);
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

  private void process(List<Ask> batch) {
    LengthModel model = slot.acquire();
    try {
      answer(encoded(batch, model), model);
      learnSome(model);
    } finally {
      model.end();
    }
  }

  /** The questions that the tokenizer reads, shortest first. */
  private List<Ask> encoded(List<Ask> batch, LengthModel model) {
    List<Ask> encoded = new ArrayList<>();
    for (Ask ask : batch) {
      try {
        ask.ids = model.encode(ask.prompt);
        encoded.add(ask);
      } catch (RuntimeException e) {
        fail(List.of(ask), e);
      }
    }
    encoded.sort(Comparator.comparingInt(ask -> ask.ids.length));
    return encoded;
  }

  private void answer(List<Ask> asks, LengthModel model) {
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
    } catch (RuntimeException e) {
      fail(group, e);
      return;
    }
    for (int i = 0; i < scores.length; i++) {
      Ask ask = group.get(i);
      try {
        answerOne(ask, scores[i].requireFinite(), model);
      } catch (RuntimeException e) {
        fail(List.of(ask), e);
      }
    }
  }

  private void answerOne(Ask ask, Scores scores, LengthModel model) {
    LengthPrediction prediction = slot.interpret(model, scores);
    cache.put(ask.prompt, model, scores);
    counters.predictions.increment();
    counters.latency(System.nanoTime() - ask.askedNanos);
    ask.answer.complete(prediction);
  }

  private void learnSome(LengthModel model) {
    int learned = 0;
    while (!closed.get() && (questions.isEmpty() || learned < LESSONS_A_BATCH)) {
      LengthFeedback lesson = feedback.poll();
      if (lesson == null) {
        return;
      }
      String prompt = lesson.query().promptText();
      Scores scores = prompt == null ? null : cache.get(prompt, model);
      if (scores != null) {
        slot.learn(model, scores, lesson.actualTokens(), lesson.censored());
      }
      learned++;
    }
  }

  /** Fails those that are not answered yet; counted first, so that who is told can see it. */
  private void fail(List<Ask> asks, Throwable cause) {
    if (!closed.get()) { // otherwise it is no failure of the model
      counters.failures.add(asks.stream().filter(ask -> !ask.answer.isDone()).count());
      logFailure(cause);
    }
    asks.forEach(ask -> ask.fail(cause));
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
    List<Ask> rest = new ArrayList<>();
    questions.drainTo(rest);
    IllegalStateException cause = new IllegalStateException("the length predictor is closed");
    rest.forEach(ask -> ask.fail(cause));
    boolean unused = questions.offer(wakeUp); // so that the worker sees that it is closed
  }

  /**
   * Fails what waits, waits for the run under way, and releases the model; called from a callback
   * of the run under way, it leaves the release to the end of that run. Idempotent.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      failWaiting();
    }
    slot.close();
  }

  private static final class Ask {
    final String prompt;
    final long askedNanos;
    final CompletableFuture<LengthPrediction> answer = new CompletableFuture<>();
    long[] ids = {};

    Ask(String prompt, long askedNanos) {
      this.prompt = prompt;
      this.askedNanos = askedNanos;
    }

    void fail(Throwable cause) {
      boolean unused = answer.completeExceptionally(cause);
    }
  }
}
