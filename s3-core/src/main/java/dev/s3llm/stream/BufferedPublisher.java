package dev.s3llm.stream;

import dev.s3llm.support.CallbackGuard;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A publisher of one producer's items for at most one subscriber. The producer never waits: items
 * stay in a buffer until the subscriber requests them. Delivery runs on the callback executor, in
 * order, one call at a time. If that executor refuses a task, the delivery of the end and of items
 * just requested runs on the calling thread.
 *
 * <p>A subclass holds the items. It guards them by {@link #lock}, calls {@link #appended} after it
 * has added some, and bounds their number.
 *
 * <p>The publisher runs its {@code cancel} action when no subscriber will read the rest: after a
 * subscriber has thrown (it is not called again), cancelled, or requested fewer than one item (it
 * gets an error). Thread-safe.
 *
 * @param <T> type of the items
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

  /** Whether the subscriber is not called any more. */
  private boolean over;

  /** An invalid demand or a failure of the subclass, which ends the stream early; or null. */
  private @Nullable Throwable fault;

  /**
   * Creates a publisher without a subscriber.
   *
   * @param callbacks runs the subscriber
   * @param cancel runs when no subscriber will read the rest; may run more than once
   * @param onFailure receives what the subscriber threw
   */
  protected BufferedPublisher(Executor callbacks, Runnable cancel, Consumer<Throwable> onFailure) {
    this.callbacks = new CallbackGuard(callbacks);
    this.onFailure = onFailure;
    this.cancel = cancel;
  }

  /** Returns whether no item waits. Called with the lock held. */
  protected abstract boolean isEmpty();

  /** Removes and returns the first item. Called with the lock held, if there is one. */
  protected abstract T next();

  /**
   * Returns whether {@link #end} was called, so that nothing may be appended. With the lock held.
   */
  protected final boolean ended() {
    return ended;
  }

  /** Delivers items that a subclass has added. Called without the lock. */
  protected final void appended() {
    schedule(false);
  }

  /**
   * Sets the end of the stream. {@link #deliver} delivers it, behind the items.
   *
   * @param cause what failed, or null for a normal end
   * @return true for the first call; later calls are ignored
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

  /** Delivers the items that were requested, and the end if it is next. */
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
        draining = true; // no delivery before onSubscribe has returned
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

  /** Calls onSubscribe; ends the stream if it throws. */
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
   * Starts a delivery, unless one is under way or there is nothing to deliver.
   *
   * @param now whether to deliver on this thread if the callback executor refuses; otherwise the
   *     next call tries again
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
      last = now || ended; // an end set meanwhile found a delivery under way and relies on it
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
      } catch (Throwable e) { // the subclass threw, for example an OutOfMemoryError
        broken(e);
      }
    }
  }

  /** Delivers an item or the end; returns false if there is nothing to deliver now. */
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

  /** Ends the stream with what the subclass threw, because an item is lost. */
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
      onFailure.accept(e); // first: who sees the end sees the failure, too
      endHere();
    }
  }

  /** Stops calling the subscriber, and cancels the producer. */
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
        cancel.run(); // the subscriber gets an error and no further item
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
