package dev.s3llm.jcuda.text;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Pieces of text, and their delivery to at most one subscriber at its own pace: one call at a time,
 * on the callback executor, apart from the thread that appends.
 */
final class TextBuffer implements Flow.Publisher<String> {
  private final Executor callbacks;
  private final Runnable cancel;
  private final ReentrantLock lock = new ReentrantLock();

  private final Queue<String> pieces = new ArrayDeque<>();
  private boolean ended;
  private @Nullable Throwable failure;

  private Flow.@Nullable Subscriber<? super String> subscriber;
  private long demand;
  private boolean draining;
  private boolean over;
  private @Nullable Throwable misuse;

  TextBuffer(Executor callbacks, Runnable cancel) {
    this.callbacks = callbacks;
    this.cancel = cancel;
  }

  void append(String piece) {
    locked(() -> pieces.add(piece));
    schedule(false);
  }

  /** Notes that no more comes, and why if it failed. */
  void end(@Nullable Throwable cause) {
    locked(
        () -> {
          ended = true;
          failure = cause;
        });
    schedule(true);
  }

  @Override
  public void subscribe(Flow.Subscriber<? super String> candidate) {
    boolean taken;
    lock.lock();
    try {
      taken = subscriber != null;
      if (!taken) {
        subscriber = candidate;
        draining = true; // until onSubscribe has returned
      }
    } finally {
      lock.unlock();
    }
    if (taken) {
      candidate.onSubscribe(new Subscription(false));
      candidate.onError(new IllegalStateException("the text has a subscriber already"));
      return;
    }
    try {
      candidate.onSubscribe(new Subscription(true));
    } catch (Throwable e) {
      giveUp(); // it will not be called again
      throw e;
    }
    locked(() -> draining = false);
    schedule(true);
  }

  /** Delivers nothing more, and ends the generation. */
  private void giveUp() {
    locked(() -> over = true);
    cancel.run();
  }

  /**
   * Starts a delivery unless one is under way or there is nothing to deliver.
   *
   * @param now whether to deliver on this thread if the callback executor refuses (it was shut
   *     down, say); otherwise the next call tries again
   */
  private void schedule(boolean now) {
    lock.lock();
    try {
      if (draining || !deliverable()) {
        return;
      }
      draining = true;
    } finally {
      lock.unlock();
    }
    try {
      callbacks.execute(this::drain);
    } catch (Throwable e) { // it refuses, or has no thread left
      if (now) {
        drain();
      } else {
        locked(() -> draining = false);
      }
    }
  }

  private boolean deliverable() {
    if (subscriber == null || over) {
      return false;
    }
    return misuse != null || (pieces.isEmpty() ? ended : demand > 0);
  }

  private void drain() {
    while (true) {
      Flow.Subscriber<? super String> to;
      String piece;
      Throwable error;
      lock.lock();
      try {
        if (subscriber == null || !deliverable()) {
          draining = false;
          return;
        }
        to = subscriber;
        error = misuse != null ? misuse : failure;
        piece = misuse != null ? null : pieces.poll();
        over = piece == null;
        demand--;
      } finally {
        lock.unlock();
      }
      deliver(to, piece, error);
    }
  }

  private void deliver(
      Flow.Subscriber<? super String> to, @Nullable String piece, @Nullable Throwable error) {
    try {
      if (piece != null) {
        to.onNext(piece);
      } else if (error != null) {
        to.onError(error);
      } else {
        to.onComplete();
      }
    } catch (Throwable e) { // other languages throw checked exceptions undeclared
      giveUp(); // a subscriber that throws is not called again
    }
  }

  private void locked(Runnable change) {
    lock.lock();
    try {
      change.run();
    } finally {
      lock.unlock();
    }
  }

  private final class Subscription implements Flow.Subscription {
    private final boolean live;

    Subscription(boolean live) {
      this.live = live;
    }

    @Override
    public void request(long n) {
      if (!live) {
        return;
      }
      locked(() -> add(n));
      schedule(true);
      if (n <= 0) {
        cancel.run();
      }
    }

    private void add(long n) {
      if (n <= 0) {
        misuse = new IllegalArgumentException("request(n) needs n > 0, but n is " + n);
      } else {
        demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
      }
    }

    @Override
    public void cancel() {
      if (live) {
        giveUp();
      }
    }
  }
}
