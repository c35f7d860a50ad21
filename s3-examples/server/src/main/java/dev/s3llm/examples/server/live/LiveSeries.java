package dev.s3llm.examples.server.live;

import dev.s3llm.observe.EngineSnapshot;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Samples of the last minutes, one in about a second. Thread-safe. */
final class LiveSeries {
  static final int MOST = 180;

  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Sample> samples = new ArrayDeque<>();
  private @Nullable EngineSnapshot before;
  private long beforeNanos;

  /**
   * The time between two snapshots.
   *
   * @param millis end of the time, in milliseconds since 1970
   * @param tokensPerSecond output tokens in a second
   * @param running running requests at the end
   * @param waiting waiting requests at the end, including those without a prediction yet
   * @param held KV blocks that hold tokens at the end
   * @param reserved KV blocks reserved at the end
   */
  public record Sample(
      long millis, double tokensPerSecond, int running, int waiting, int held, int reserved) {}

  /** Adds a sample. */
  void sample(EngineSnapshot now, long nanos, long millis) {
    lock.lock();
    try {
      EngineSnapshot last = before;
      double seconds = (nanos - beforeNanos) / 1e9;
      before = now;
      beforeNanos = nanos;
      if (last == null || seconds <= 0) {
        return; // a rate needs two snapshots
      }
      double rate = (now.work().outputTokens() - last.work().outputTokens()) / seconds;
      if (samples.size() == MOST) {
        samples.removeFirst();
      }
      samples.addLast(
          new Sample(
              millis,
              Math.round(rate * 10) / 10.0,
              now.requests().running(),
              now.requests().waiting() + now.requests().predicting(),
              now.memory().allocatedBlocks(),
              now.memory().reservedBlocks()));
    } finally {
      lock.unlock();
    }
  }

  List<Sample> samples() {
    lock.lock();
    try {
      return List.copyOf(samples);
    } finally {
      lock.unlock();
    }
  }
}
