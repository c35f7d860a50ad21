package dev.s3llm.examples.plain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ExecutorService;
import org.junit.jupiter.api.Test;

class RequestThreadsTest {
  @Test
  void requests_runOnVirtualThreadsWhereThereAreAny() throws Exception {
    ExecutorService threads = RequestThreads.create(1);
    String name = threads.submit(() -> Thread.currentThread().toString()).get();
    threads.shutdown();

    assertThat(name.startsWith("VirtualThread")).isEqualTo(Runtime.version().feature() >= 21);
  }
}
