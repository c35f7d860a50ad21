package dev.s3llm.onnx;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that runs a head. It takes all states that wait, up to a batch, and answers them with
 * one run. The thread alone uses the session, and releases it at its end.
 *
 * <p>A failure fails the states of its batch and no others, and never ends the thread.
 */
final class RemainingWorker implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RemainingWorker.class);
  private static final int MAX_BATCH = 256;
  private static final int CAPACITY = 4096;

  final LongAdder revisions = new LongAdder();
  final LongAdder batches = new LongAdder();
  final LongAdder unusable = new LongAdder();
  final LongAdder failures = new LongAdder();
  final LongAdder busyNanos = new LongAdder();

  private final RemainingHead head;
  private final int width;
  private final BlockingQueue<State> waiting = new ArrayBlockingQueue<>(CAPACITY + 1);
  private final State wakeUp =
      new State(new LengthQuery(1, null, null, 0, 1), LengthPrediction.exactly(1), 0, new float[0]);
  private final AtomicBoolean closed = new AtomicBoolean();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final Thread thread;
  private boolean warned;

  RemainingWorker(RemainingHead head, int width, ThreadFactory threads) {
    this.head = head;
    this.width = width;
    this.thread = threads.newThread(this::run);
    thread.start();
  }

  /** Returns the prediction for a state; the earlier one if too many wait or the worker closed. */
  CompletableFuture<LengthPrediction> predict(
      LengthQuery query, LengthPrediction earlier, int generated, float[] hidden) {
    State state = new State(query, earlier, generated, hidden);
    if (hidden.length != width || closed.get() || !waiting.offer(state)) {
      unusable.increment();
      state.answer.complete(earlier);
    } else if (closed.get()) {
      answerWaiting(); // closed in between: the thread may have missed it
    }
    return state.answer;
  }

  private void run() {
    List<State> batch = new ArrayList<>();
    while (!closed.get()) {
      try {
        batch.add(waiting.take());
        waiting.drainTo(batch, MAX_BATCH - 1);
        batch.removeIf(state -> state == wakeUp);
        if (!batch.isEmpty()) {
          answer(batch);
        }
      } catch (InterruptedException e) {
        log.debug("the head's thread was interrupted, which does not end it", e);
      } catch (RuntimeException | Error e) {
        fail(batch, e);
      } finally {
        batch.clear();
      }
    }
    answerWaiting();
    try {
      head.close();
    } finally {
      ended.complete(null);
    }
  }

  private void answer(List<State> batch) {
    long begin = System.nanoTime();
    float[] hidden = new float[batch.size() * width];
    int[] generated = new int[batch.size()];
    for (int i = 0; i < generated.length; i++) {
      State state = batch.get(i);
      System.arraycopy(state.hidden, 0, hidden, i * width, width);
      generated[i] = state.generated;
    }
    @Nullable LengthPrediction[] predictions = head.run(hidden, generated);
    batches.increment();
    for (int i = 0; i < generated.length; i++) {
      complete(batch.get(i), predictions[i]);
    }
    busyNanos.add(System.nanoTime() - begin);
  }

  private void complete(State state, @Nullable LengthPrediction prediction) {
    if (prediction == null) {
      unusable.increment();
      state.answer.complete(state.earlier);
    } else {
      revisions.increment();
      state.answer.complete(prediction.cappedAt(state.query.maxNewTokens()));
    }
  }

  private void fail(List<State> batch, Throwable cause) {
    failures.add(batch.stream().filter(state -> !state.answer.isDone()).count());
    if (warned) {
      log.debug("the head failed", cause);
    } else {
      warned = true;
      log.warn("the head failed, earlier predictions stay; later failures at DEBUG", cause);
    }
    batch.forEach(state -> state.answer.completeExceptionally(cause));
  }

  private void answerWaiting() {
    List<State> rest = new ArrayList<>();
    waiting.drainTo(rest);
    rest.forEach(state -> state.answer.complete(state.earlier));
  }

  /** Answers what waits with earlier predictions; waits for the run in progress. Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      answerWaiting();
      boolean unused = waiting.offer(wakeUp);
    }
    if (Thread.currentThread() != thread) {
      ended.join();
    }
  }

  private static final class State {
    final LengthQuery query;
    final LengthPrediction earlier;
    final int generated;
    final float[] hidden;
    final CompletableFuture<LengthPrediction> answer = new CompletableFuture<>();

    State(LengthQuery query, LengthPrediction earlier, int generated, float[] hidden) {
      this.query = query;
      this.earlier = earlier;
      this.generated = generated;
      this.hidden = hidden;
    }
  }
}
