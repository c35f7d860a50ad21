package dev.s3llm;

import java.util.Arrays;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of one generation, and their delivery to at most one subscriber at its own pace. The
 * loop appends and never waits; delivery runs on the callback executor, one call at a time.
 */
final class TokenBuffer implements Flow.Publisher<Integer> {
  private final Executor callbacks;
  private final Runnable cancel;
  private final ReentrantLock lock = new ReentrantLock();

  private int[] tokens = new int[16];
  private int count;
  private boolean ended;
  private @Nullable Throwable failure;

  private Flow.@Nullable Subscriber<? super Integer> subscriber;
  private long demand;
  private int delivered;
  private boolean draining;
  private boolean over;
  private @Nullable Throwable misuse;

  TokenBuffer(Executor callbacks, Runnable cancel) {
    this.callbacks = callbacks;
    this.cancel = cancel;
  }

  /** Adds a token, unless the end was noted: a loop that was given up may come back. */
  void append(int token) {
    lock.lock();
    try {
      if (ended) {
        return;
      }
      if (count == tokens.length) {
        tokens = Arrays.copyOf(tokens, 2 * count);
      }
      tokens[count++] = token;
    } finally {
      lock.unlock();
    }
    schedule(false);
  }

  /**
   * Notes the end.
   *
   * @param cause what failed, if something did
   * @return whether it is the first that was noted
   */
  boolean end(@Nullable Throwable cause) {
    lock.lock();
    try {
      if (ended) {
        return false;
      }
      ended = true;
      failure = cause;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** All tokens so far; a copy. */
  int[] tokens() {
    lock.lock();
    try {
      return Arrays.copyOf(tokens, count);
    } finally {
      lock.unlock();
    }
  }

  /** Delivers what is there, the end included. */
  void deliver() {
    schedule(true);
  }

  @Override
  public void subscribe(Flow.Subscriber<? super Integer> candidate) {
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
      candidate.onError(new IllegalStateException("the token stream has a subscriber already"));
      return;
    }
    begin(candidate);
    schedule(true);
  }

  /** What is there is delivered once the subscriber has said that it is ready. */
  private void begin(Flow.Subscriber<? super Integer> candidate) {
    boolean ready = false;
    try {
      candidate.onSubscribe(new Subscription(true));
      ready = true;
    } finally {
      lock.lock();
      try {
        draining = false;
        over |= !ready; // a subscriber that throws is not called again
      } finally {
        lock.unlock();
      }
      if (!ready) {
        cancel.run();
      }
    }
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
      refused(now);
    }
  }

  private void refused(boolean now) {
    boolean last;
    lock.lock();
    try {
      last = now || ended; // whoever noted the end meanwhile left its delivery to this one
      if (!last) {
        draining = false;
      }
    } finally {
      lock.unlock();
    }
    if (last) {
      drain();
    }
  }

  private boolean deliverable() {
    if (subscriber == null || over) {
      return false;
    }
    return misuse != null || (delivered < count && demand > 0) || (delivered == count && ended);
  }

  private void drain() {
    while (true) {
      Flow.Subscriber<? super Integer> to;
      int token = 0;
      boolean last;
      Throwable error;
      lock.lock();
      try {
        if (subscriber == null || !deliverable()) {
          draining = false;
          return;
        }
        to = subscriber;
        error = misuse != null ? misuse : failure;
        last = misuse != null || delivered == count;
        if (last) {
          over = true;
        } else {
          token = tokens[delivered++];
          demand--;
        }
      } finally {
        lock.unlock();
      }
      deliver(to, token, last, error);
    }
  }

  private void deliver(
      Flow.Subscriber<? super Integer> to, int token, boolean last, @Nullable Throwable error) {
    try {
      if (!last) {
        to.onNext(token);
      } else if (error != null) {
        to.onError(error);
      } else {
        to.onComplete();
      }
    } catch (Throwable e) {
      lock.lock();
      try {
        over = true; // a subscriber that throws is not called again
      } finally {
        lock.unlock();
      }
      cancel.run();
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
      lock.lock();
      try {
        if (n <= 0) {
          misuse = new IllegalArgumentException("request(n) needs n > 0, but n is " + n);
        } else {
          demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
        }
      } finally {
        lock.unlock();
      }
      schedule(true);
      if (n <= 0) {
        cancel.run(); // nobody is left to read the rest
      }
    }

    @Override
    public void cancel() {
      if (!live) {
        return;
      }
      lock.lock();
      try {
        over = true;
      } finally {
        lock.unlock();
      }
      cancel.run();
    }
  }
}
