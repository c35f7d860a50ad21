package dev.s3llm.examples.cli.soak;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.examples.cli.CommandTest;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.execute.Executor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SoakCommandTest extends CommandTest {
  @TempDir Path folder;

  @Test
  void shortSoak_printsSamplesAndLeavesThePoolsWhole() throws Exception {
    Path json = folder.resolve("soak.json");
    run("bench", "soak", "--minutes", "0.1", "--fault-every", "5", "--json", json.toString());

    assertThat(err.toString()).contains("embedded toy model").hasLineCount(1);
    assertThat(out.toString())
        .contains("heap MiB", "memory and threads: ", "pools: whole, every request answered")
        .doesNotContain("NOT WHOLE");
    JsonNode written = new ObjectMapper().readTree(Files.readString(json));
    assertThat(written.get("samples")).hasSize(6);
    List<String> fields = new ArrayList<>();
    written.get("samples").get(0).fieldNames().forEachRemaining(fields::add);
    assertThat(fields)
        .containsExactly(
            "seconds",
            "heapBytes",
            "residentBytes",
            "threads",
            "capacityBlocks",
            "reservedBlocks",
            "allocatedBlocks",
            "swappedBlocks",
            "live",
            "submitted",
            "refused",
            "finished",
            "cancelled",
            "timedOut",
            "failed",
            "steps",
            "outputTokens",
            "preemptions",
            "outgrown",
            "predictorFallbacks",
            "callbackFailures",
            "streamsOver");
    assertThat(written.get("verdict").has("told")).isTrue();
    JsonNode last = written.get("samples").get(5);
    for (String moved : List.of("submitted", "refused", "steps", "failed")) {
      assertThat(last.get(moved).asLong()).as(moved).isPositive();
    }
    assertThat(written.get("whole").asBoolean()).isTrue();
  }

  @Test
  void requestThatNeverFits_endsTheSoakWithItsVerdict() throws Exception {
    Path json = folder.resolve("soak.json");
    int code =
        run("bench", "soak", "--minutes", "1", "--kv-budget", "400KiB", "--json", json.toString());

    assertThat(code).as(err.toString()).isEqualTo(1);
    assertThat(err.toString()).contains("embedded toy model").hasLineCount(1);
    assertThat(out.toString()).contains("pools: whole", "ENDED EARLY: ", "NeverFitsException");
    JsonNode written = new ObjectMapper().readTree(Files.readString(json));
    assertThat(written.get("samples")).hasSize(1);
    assertThat(written.get("refused_for_good").asText()).contains("NeverFitsException");
  }

  @Test
  void engineThatIsClosed_endsTheClients() throws Exception {
    Executor executor =
        CpuExecutor.builder(SmallModel.unpack()).kvBytes(3L << 20).threads(1).build();
    S3Engine engine = S3Engine.builder(executor).build();
    engine.closeNow();
    try (SoakClients clients = new SoakClients(engine, executor.profile(), 1)) {
      clients.run(Duration.ofMinutes(1));
      assertThat(clients.refusedForGood())
          .map(RequestRefusedException::reason)
          .contains(RequestRefusedException.Reason.ENGINE_CLOSED);
      assertThat(clients.awaitAll()).isTrue();
    }
  }

  @Test
  void minutesThatMakeNoSense_areNamed() {
    assertThat(run("bench", "soak", "--minutes", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--minutes must be above 0").hasLineCount(1);
  }

  @Test
  void leak_isSeen() {
    assertThat(SoakVerdict.of(samples(0, 0, 0)).flat()).isTrue();
    assertThat(SoakVerdict.of(samples(1 << 20, 0, 0)).flat()).as("heap").isFalse();
    assertThat(SoakVerdict.of(samples(0, 4 << 20, 0)).flat()).as("RSS").isFalse();
    assertThat(SoakVerdict.of(samples(0, 0, 1)).flat()).as("threads").isFalse();
    assertThat(SoakVerdict.of(samples(1 << 20, 0, 0).subList(0, 7)).measured()).isFalse();
  }

  private static List<SoakSample> samples(long heapLeak, long nativeLeak, int threadLeak) {
    List<SoakSample> samples = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      long heap = (50L << 20) + i * heapLeak;
      long resident = (300L << 20) + i * nativeLeak;
      samples.add(
          new SoakSample(
              i,
              new SoakSample.ProcessState(heap, resident, 20 + i * threadLeak),
              new SoakSample.Blocks(10, 0, 0, 0),
              new SoakSample.Requests(0, 0, 0, 0, 0, 0, 0),
              new SoakSample.Work(0, 0, 0, 0, 0, 0),
              0));
    }
    return samples;
  }
}
