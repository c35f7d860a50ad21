package dev.s3llm.examples.cli.generate;

import dev.s3llm.S3Engine;
import dev.s3llm.observe.EngineSnapshot;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** Samples the share of KV blocks in use, on a separate thread. */
final class KvUse implements AutoCloseable {
  private final S3Engine engine;
  private final Thread thread = new Thread(this::sample, "kv-use");
  private volatile boolean stopped;
  private final DoubleAdder sum = new DoubleAdder();
  private final LongAdder samples = new LongAdder();

  KvUse(S3Engine engine) {
    this.engine = engine;
    thread.setDaemon(true);
    thread.start();
  }

  private void sample() {
    while (!stopped) {
      EngineSnapshot now = engine.snapshot();
      if (now.requests().running() > 0) {
        sum.add((double) now.memory().allocatedBlocks() / now.memory().capacityBlocks());
        samples.increment();
      }
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** Returns the mean share of the blocks that held tokens, from 0 to 1, while requests ran. */
  double mean() {
    return samples.sum() == 0 ? 0 : sum.sum() / samples.sum();
  }

  @Override
  public void close() {
    stopped = true;
    thread.interrupt();
  }
}
