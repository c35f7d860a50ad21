package dev.s3llm.examples.cli.soak;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.s3llm.observe.EngineSnapshot;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The figures of a soak at one moment. In JSON, the fields of the groups stand beside the others.
 *
 * @param seconds since the start
 * @param process memory and threads of the process
 * @param blocks KV blocks of the engine
 * @param requests requests of the clients, by what became of them
 * @param work what the engine did for them
 * @param streamsOver token streams that ended or were cancelled
 */
record SoakSample(
    double seconds,
    @JsonUnwrapped ProcessState process,
    @JsonUnwrapped Blocks blocks,
    @JsonUnwrapped Requests requests,
    @JsonUnwrapped Work work,
    long streamsOver) {

  /**
   * Memory and threads of the process.
   *
   * @param heapBytes heap in use after a collection
   * @param residentBytes resident memory of the whole process; -1 where it is unknown
   * @param threads live threads
   */
  record ProcessState(long heapBytes, long residentBytes, int threads) {
    private static final Path STATUS = Path.of("/proc/self/status");

    static ProcessState now() {
      System.gc();
      return new ProcessState(
          ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
          readResidentBytes(),
          ManagementFactory.getThreadMXBean().getThreadCount());
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

  /**
   * KV blocks.
   *
   * @param capacityBlocks blocks on the device
   * @param reservedBlocks blocks of all reservations
   * @param allocatedBlocks blocks that hold tokens
   * @param swappedBlocks blocks in host memory
   */
  record Blocks(int capacityBlocks, int reservedBlocks, int allocatedBlocks, int swappedBlocks) {
    static Blocks of(EngineSnapshot engine) {
      return new Blocks(
          engine.memory().capacityBlocks(),
          engine.memory().reservedBlocks(),
          engine.memory().allocatedBlocks(),
          engine.memory().hostAllocatedBlocks());
    }
  }

  /**
   * Requests: those of {@code live} now, the others since the start.
   *
   * @param live waiting or running
   * @param submitted accepted by the engine
   * @param refused refused by the engine
   * @param finished ended with a whole answer
   * @param cancelled cancelled by a client
   * @param timedOut ended by their deadline
   * @param failed ended by a failure
   */
  record Requests(
      long live,
      long submitted,
      long refused,
      long finished,
      long cancelled,
      long timedOut,
      long failed) {
    static Requests of(EngineSnapshot engine, long refused) {
      return new Requests(
          engine.requests().live(),
          engine.requests().submitted(),
          refused,
          engine.requests().ended().stopped() + engine.requests().ended().cutAtLimit(),
          engine.requests().ended().cancelled(),
          engine.requests().ended().timedOut(),
          engine.requests().ended().failed());
    }
  }

  /**
   * Counters of the engine since the start.
   *
   * @param steps steps executed
   * @param outputTokens tokens generated
   * @param preemptions preemptions
   * @param outgrown sequences that outgrew their reservation
   * @param predictorFallbacks predictions that the fallback made
   * @param callbackFailures exceptions of callbacks and subscribers
   */
  record Work(
      long steps,
      long outputTokens,
      long preemptions,
      long outgrown,
      long predictorFallbacks,
      long callbackFailures) {
    static Work of(EngineSnapshot engine) {
      return new Work(
          engine.work().steps(),
          engine.work().outputTokens(),
          engine.work().preemptions(),
          engine.predictions().outgrown(),
          engine.predictions().fallbacks(),
          engine.faults().callbackFailures());
    }
  }

  static SoakSample take(double seconds, EngineSnapshot engine, SoakClients clients) {
    return new SoakSample(
        seconds,
        ProcessState.now(),
        Blocks.of(engine),
        Requests.of(engine, clients.refused()),
        Work.of(engine),
        clients.streamsOver());
  }
}
