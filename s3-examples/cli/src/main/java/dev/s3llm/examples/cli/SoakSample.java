package dev.s3llm.examples.cli;

import dev.s3llm.observe.EngineSnapshot;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a soak looks at, at one moment.
 *
 * @param heapBytes used after a collection
 * @param residentBytes of the whole process; -1 where the system does not say
 */
record SoakSample(
    double seconds,
    long heapBytes,
    long residentBytes,
    int threads,
    int capacityBlocks,
    int reservedBlocks,
    int allocatedBlocks,
    int swappedBlocks,
    long live,
    long submitted,
    long refused,
    long finished,
    long cancelled,
    long timedOut,
    long failed,
    long steps,
    long outputTokens,
    long preemptions,
    long outgrown,
    long predictorFallbacks,
    long callbackFailures,
    long streamsOver) {
  private static final Path STATUS = Path.of("/proc/self/status");

  static SoakSample take(double seconds, EngineSnapshot engine, SoakClients clients) {
    System.gc();
    return new SoakSample(
        seconds,
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
        readResidentBytes(),
        ManagementFactory.getThreadMXBean().getThreadCount(),
        engine.capacityBlocks(),
        engine.reservedBlocks(),
        engine.allocatedBlocks(),
        engine.hostAllocatedBlocks(),
        engine.live(),
        engine.submitted(),
        clients.refused(),
        engine.stopped() + engine.cutAtLimit(),
        engine.cancelled(),
        engine.timedOut(),
        engine.failed(),
        engine.steps(),
        engine.outputTokens(),
        engine.preemptions(),
        engine.outgrown(),
        engine.predictorFallbacks(),
        engine.callbackFailures(),
        clients.streamsOver());
  }

  private static long readResidentBytes() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
    } catch (IOException e) {
      return -1;
    }
    return -1;
  }
}
