package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.LoadProgress;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Loads the weights of several devices, one after another or at once. Adds up their progress for
 * one listener, which is called by one thread at a time. Once a device has failed, the others stop
 * at their next piece.
 */
final class JointLoading {
  private final LoadProgress listener;
  private final long[] loaded;
  private final long total;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable RuntimeException failure;

  /**
   * Creates the sum of no progress.
   *
   * @param listener receives the sum
   * @param devices number of devices
   * @param total bytes of all devices
   */
  JointLoading(LoadProgress listener, int devices, long total) {
    this.listener = listener;
    this.loaded = new long[devices];
    this.total = total;
  }

  /** Returns what receives the bytes that a device has got so far. */
  LongConsumer progressOf(int device) {
    return bytes -> add(device, bytes);
  }

  private void add(int device, long bytes) {
    lock.lock();
    try {
      if (failure != null) {
        throw failure;
      }
      loaded[device] = bytes;
      long sum = 0;
      for (long own : loaded) {
        sum += own;
      }
      listener.loaded(Math.min(total, sum), total);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs the loading of one device.
   *
   * @throws RuntimeException that of the device that failed first
   */
  void run(int device, IntConsumer work) {
    try {
      work.accept(device);
    } catch (RuntimeException e) {
      lock.lock();
      try {
        failure = failure == null ? e : failure;
        throw failure;
      } finally {
        lock.unlock();
      }
    }
  }
}
