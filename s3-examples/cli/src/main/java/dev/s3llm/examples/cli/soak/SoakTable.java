package dev.s3llm.examples.cli.soak;

import java.io.PrintWriter;

/** Prints a soak as it goes on: a header, a row for each sample, and the verdict. */
record SoakTable(PrintWriter out) {
  void header() {
    out.println(
        "   time  heap MiB  RSS MiB  threads  KV use  live  finished  cancelled  timed out"
            + "  failed  refused  preempted  outgrown  fallbacks  callback errors");
  }

  void print(SoakSample sample) {
    SoakSample.ProcessState process = sample.process();
    SoakSample.Requests requests = sample.requests();
    SoakSample.Work work = sample.work();
    out.printf(
        "%5.0f s %9.1f %8s %8d %4.0f %% %6d %9d %10d %10d %7d %8d %10d %9d %10d %16d%n",
        sample.seconds(),
        process.heapBytes() / (double) (1 << 20),
        process.residentBytes() < 0 ? "n/a" : Long.toString(process.residentBytes() >> 20),
        process.threads(),
        100.0 * sample.blocks().allocatedBlocks() / sample.blocks().capacityBlocks(),
        requests.live(),
        requests.finished(),
        requests.cancelled(),
        requests.timedOut(),
        requests.failed(),
        requests.refused(),
        work.preemptions(),
        work.outgrown(),
        work.predictorFallbacks(),
        work.callbackFailures());
    out.flush();
  }

  void print(SoakVerdict verdict, SoakEnd end) {
    verdict.growths().forEach(growth -> out.println(growth + (growth.flat() ? "" : "  GREW")));
    String memory = verdict.measured() ? (verdict.flat() ? "flat" : "NOT FLAT") : "too few samples";
    out.printf(
        "memory and threads: %s; pools: %s%n",
        memory,
        end.whole() ? "whole, every request answered" : "NOT WHOLE, OR REQUESTS UNANSWERED");
    if (end.unhealthy() > 0) {
      out.printf("refused because the engine was unhealthy: %d%n", end.unhealthy());
    }
    if (!end.refusal().isEmpty()) {
      out.println("ENDED EARLY: " + end.refusal());
    }
    out.flush();
  }
}
