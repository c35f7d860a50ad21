package dev.s3llm.stream;

import dev.s3llm.support.CallbackGuard;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Delivers what one producer appends to at most one subscriber, at the subscriber's pace. The
 * producer never waits; delivery runs on the callback executor, one call at a time, in order, and
 * on the calling thread only where that executor refuses the end, or what a subscriber asks for.
 *
 * <p>A subclass holds the items. It guards them by {@link #lock}, calls {@link #appended} when it
 * has some more, and bounds them: what nobody asks for stays.
 *
 * <p>A subscriber that throws anything is not called again; that, a demand below 1 (which it is
 * told as an error) and its cancellation run the cancellation that the publisher was given.
 * Thread-safe.
 *
 * @param <T> what it delivers
 */
public abstract class BufferedPublisher<T> implements Flow.Publisher<T> {
  private final CallbackGuard callbacks;
  private final Consumer<Throwable> onFailure;
  private final Runnable cancel;

  /** Guards the items. */
  protected final ReentrantLock lock = new ReentrantLock();

  private boolean ended;
  private @Nullable Throwable failure;

  private Flow.@Nullable Subscriber<? super T> subscriber;
  private long demand;
  private boolean draining;
  private boolean over;

  /** Ends the stream before the items do: demand that makes no sense, or a broken subclass. */
  private @Nullable Throwable fault;

  /**
   * Creates a publisher without a subscriber.
   *
   * @param callbacks where subscribers are called
   * @param cancel run, any number of times, when nobody will read the rest
   * @param onFailure receives what a subscriber threw
   */
  protected BufferedPublisher(Executor callbacks, Runnable cancel, Consumer<Throwable> onFailure) {
    this.callbacks = new CallbackGuard(callbacks);
    this.onFailure = onFailure;
    this.cancel = cancel;
  }

  /** Whether no item waits; called with the lock held. */
  protected abstract boolean isEmpty();

  /** Takes the next of the items, of which there is one; called with the lock held. */
  protected abstract T next();

  /** Whether the end was noted, and nothing may be appended any more; with the lock held. */
  protected final boolean ended() {
    return ended;
  }

  /** There are more items than before; called without the lock. */
  protected final void appended() {
    schedule(false);
  }

  /**
   * Notes the end, which is delivered behind the items by {@link #deliver}.
   *
   * @param cause what failed, if something did
   * @return whether it is the first that was noted; others are ignored
   */
  public final boolean end(@Nullable Throwable cause) {
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

  /** Delivers what is there and was asked for, the end included. */
  public final void deliver() {
    schedule(true);
  }

  @Override
  public final void subscribe(Flow.Subscriber<? super T> candidate) {
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
      candidate.onError(new IllegalStateException("the stream has a subscriber already"));
      return;
    }
    begin(candidate);
    schedule(true);
  }

  /** What is there is delivered once the subscriber has said that it is ready. */
  private void begin(Flow.Subscriber<? super T> candidate) {
    boolean accepted = false;
    try {
      candidate.onSubscribe(new Subscription(true));
      accepted = true;
    } finally {
      if (!accepted) {
        endHere();
      }
      lock.lock();
      try {
        draining = false;
      } finally {
        lock.unlock();
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
    if (!callbacks.submit(this::drain)) {
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
    return fault != null || (isEmpty() ? ended : demand > 0);
  }

  private void drain() {
    boolean more = true;
    while (more) {
      try {
        more = deliverNext();
      } catch (Throwable e) { // the subclass threw, perhaps for want of memory
        broken(e);
      }
    }
  }

  /** Delivers an item or the end; false if there is nothing to deliver now. */
  private boolean deliverNext() {
    Flow.Subscriber<? super T> to;
    @Nullable T item;
    Throwable error;
    lock.lock();
    try {
      if (subscriber == null || !deliverable()) {
        draining = false;
        return false;
      }
      to = subscriber;
      error = fault != null ? fault : failure;
      boolean last = fault != null || isEmpty();
      item = last ? null : next();
      over = last;
      demand--;
    } finally {
      lock.unlock();
    }
    call(to, item, error);
    return true;
  }

  /** Ends the stream with what a subclass threw: an item of it is lost. */
  private void broken(Throwable cause) {
    lock.lock();
    try {
      fault = cause;
    } finally {
      lock.unlock();
    }
    cancel.run();
  }

  private void call(Flow.Subscriber<? super T> to, @Nullable T item, @Nullable Throwable error) {
    try {
      if (item != null) {
        to.onNext(item);
      } else if (error != null) {
        to.onError(error);
      } else {
        to.onComplete();
      }
    } catch (Throwable e) { // foreign code
      endHere();
      onFailure.accept(e);
    }
  }

  /** The subscriber is not called again, and nobody will read the rest. */
  private void endHere() {
    lock.lock();
    try {
      over = true;
    } finally {
      lock.unlock();
    }
    cancel.run();
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
          fault = new IllegalArgumentException("request(n) needs n > 0, but n is " + n);
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
      if (live) {
        endHere();
      }
    }
  }
}
