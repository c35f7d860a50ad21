package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.GenerationRequest;
import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.testkit.HandDrivenEngine;
import dev.s3llm.testkit.HashExecutor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TraceRecorderTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long NEVER = Long.MAX_VALUE;

  @TempDir private Path folder;

  @Test
  void recordedRun_replaysWithTheSameDecisions() throws IOException {
    Trace trace = incident();
    Simulation simulation =
        Simulation.builder(
                new CostModel.ModelShape("tiny", 1e9, 1000),
                new CostModel.GpuProfile("slow", 1e10, 1e11, 10_000, 1e9, true),
                400_000)
            .maxLength(256)
            .predictor(SimulatedPredictor.COLUMN)
            .build();
    SimulationPolicy policy = SimulationPolicy.named("forecast").orElseThrow();
    Path file = folder.resolve("trace.csv");
    List<String> events = new ArrayList<>();
    SimulationResult run;
    try (Trace.Recorder recorder = Trace.recorder(file)) {
      run =
          simulation.run(
              trace,
              policy,
              listening(
                  event -> {
                    recorder.onEvent(event);
                    events.add(event.toString());
                  }));
      assertThat(recorder.recorded()).isEqualTo(trace.requests().size());
      assertThat(recorder.failure()).isEmpty();
    }

    Trace recorded = Trace.read(file);

    assertThat(run.requests().finished()).isBetween(50, 140); // the others were cut off
    List<String> again = new ArrayList<>();
    simulation.run(recorded, policy, listening(event -> again.add(event.toString())));
    for (int i = 0; i < events.size(); i++) {
      String atItsLimit = events.get(i).replace("reason=LENGTH", "reason=STOP"); // it ends there
      assertThat(again.get(i)).as("event %d", i).isEqualTo(atItsLimit);
    }
    assertThat(again).hasSameSizeAs(events);
    for (int i = 0; i < recorded.requests().size(); i++) {
      Trace.Request was = trace.requests().get(i);
      Trace.Request is = recorded.requests().get(i);
      assertThat(is.arrivalNanos()).isEqualTo(was.arrivalNanos());
      assertThat(is.promptTokens()).isEqualTo(was.promptTokens());
      assertThat(is.predictedTokens())
          .isEqualTo(Math.min(was.predictedTokens(), is.terms().limitTokens()));
      assertThat(is.tenant()).isEqualTo(was.tenant());
      assertThat(is.terms().priority()).isEqualTo(was.terms().priority());
      assertThat(is.terms().deadlineNanos()).isEqualTo(was.terms().deadlineNanos());
      assertThat(is.terms().cancelledNanos()).isIn(was.terms().cancelledNanos(), NEVER);
    }
  }

  /** Returns 150 requests of three tenants with limits, priorities, deadlines and cancels. */
  private static Trace incident() {
    Random random = new Random(1);
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      Trace.Terms terms =
          new Trace.Terms(
              i % 3 == 0 ? 40 : 0,
              random.nextInt(3) - 1,
              i % 5 == 0 ? SECOND + random.nextInt(1_000_000_000) : NEVER,
              List.of("", "gold", "free").get(random.nextInt(3)),
              i % 7 == 0 ? 1 + random.nextInt(2_000_000_000) : NEVER);
      int length = 1 + random.nextInt(120);
      requests.add(
          new Trace.Request(
              i * 10_000_000L, 1 + random.nextInt(60), length, 1 + random.nextInt(120), terms));
    }
    return new Trace(requests);
  }

  private static Simulation.Listener listening(EngineListener listener) {
    return new Simulation.Listener() {
      @Override
      public void onEvent(EngineEvent event) {
        listener.onEvent(event);
      }
    };
  }

  @Test
  void recordingThatWasNotClosed_isReadInOrderOfArrival_withoutACutRow() throws IOException {
    Path file = folder.resolve("trace.csv");
    Trace.Recorder recorder = Trace.recorder(file);
    recorder.onEvent(queued(5));
    recorder.onEvent(ended(7, FinishReason.STOP, 9, null));
    recorder.onEvent(ended(5, FinishReason.STOP, 8, null));
    byte[] crashed = Files.readAllBytes(file);
    Path cut = Files.write(folder.resolve("cut.csv"), crashed);
    Files.writeString(cut, Files.readString(cut) + "3.0,1");
    recorder.close();

    assertThat(Trace.read(cut)).isEqualTo(Trace.read(file));
    assertThat(Trace.read(file).requests())
        .extracting(request -> request.arrivalNanos() / SECOND + "s " + request.outputTokens())
        .containsExactly("0s 8", "2s 9");
    assertThat(Files.readAllLines(file).get(0))
        .isEqualTo(
            "arrival_s,prompt_tokens,output_tokens,predicted_tokens,limit,priority,deadline_s,"
                + "tenant,cancelled_s,blocks,thinking_tokens");
    assertThat(Files.list(folder)).hasSize(2);
  }

  @Test
  void answerThatWasCutOff_hasALengthThatItsPredictionLeavesPossible() throws IOException {
    Path file = folder.resolve("trace.csv");
    try (Trace.Recorder recorder = Trace.recorder(file)) {
      recorder.onEvent(ended(0, FinishReason.CANCELLED, 10, LengthPrediction.exactly(50)));
      recorder.onEvent(ended(1, FinishReason.FAILED, 80, LengthPrediction.exactly(50)));
      recorder.onEvent(ended(2, FinishReason.TIMEOUT, 0, null));
    }

    List<Trace.Request> requests = Trace.read(file).requests();

    assertThat(requests.get(0).outputTokens()).isEqualTo(50);
    assertThat(requests.get(0).terms().cancelledNanos()).isEqualTo(3 * SECOND);
    assertThat(requests.get(1).outputTokens()).isBetween(81, 160);
    assertThat(requests.get(1).terms().cancelledNanos()).isEqualTo(3 * SECOND);
    assertThat(requests.get(2).outputTokens()).isEqualTo(1);
    assertThat(requests.get(2).predictedTokens()).isEqualTo(2000); // its limit
    assertThat(requests.get(2).terms().cancelledNanos()).isEqualTo(NEVER);
  }

  @Test
  void fullFiles_areKeptUpToTheirNumber() throws IOException {
    Path file = Files.writeString(folder.resolve("trace.csv"), "older\n");
    try (Trace.Recorder recorder = Trace.recorder(file, 4096, 3)) {
      assertThat(folder.resolve("trace.1.csv")).hasContent("older\n");
      for (int i = 0; i < 400; i++) {
        recorder.onEvent(ended(i, FinishReason.STOP, 5, null));
      }
    }

    assertThat(Files.list(folder))
        .extracting(path -> path.getFileName().toString())
        .containsExactlyInAnyOrder("trace.csv", "trace.1.csv", "trace.2.csv");
    List<Trace.Request> latest = Trace.read(file).requests();
    List<Trace.Request> before = Trace.read(folder.resolve("trace.1.csv")).requests();
    assertThat(Files.size(folder.resolve("trace.1.csv"))).isBetween(3900L, 4096L);
    assertThat(latest.get(latest.size() - 1).arrivalNanos()).isEqualTo(399 * SECOND);
    assertThat(latest.get(0).arrivalNanos() - before.get(before.size() - 1).arrivalNanos())
        .isEqualTo(SECOND);
  }

  @Test
  void tenantsThatLookLikeColumns_stayApart() throws IOException {
    Path file = folder.resolve("trace.csv");
    try (Trace.Recorder recorder = Trace.recorder(file)) {
      for (String tenant : List.of("a,b", "a%2Cb", "ä\uD83D", ",".repeat(256))) {
        EngineEvent.Request asked =
            new EngineEvent.Request(0, 3, 9, 0, NEVER, tenant, 4, List.of());
        recorder.onEvent(new EngineEvent.Ended(SECOND, "r", FinishReason.STOP, 5, null, 0, asked));
      }
      assertThat(recorder.failure()).isEmpty();
    }

    assertThat(Trace.read(file).requests())
        .extracting(Trace.Request::tenant)
        .containsExactly("a%2Cb", "a%252Cb", "ä?", "%2C".repeat(256));
  }

  @Test
  void promptsThatBeginAlike_areRecordedWithTheSameBlocks() throws IOException {
    Path file = folder.resolve("trace.csv");
    int[] first = IntStream.range(0, 1030).map(i -> i % 7).toArray();
    int[] other = first.clone();
    other[600]++;
    int[] longer = Arrays.copyOf(first, 1031);
    try (Trace.Recorder recorder = Trace.recorder(file);
        HandDrivenEngine driven = HandDrivenEngine.of(atOnce(), b -> b.listener(recorder))) {
      for (int[] prompt : List.of(first, other, longer)) {
        driven.engine().submit(GenerationRequest.builder(prompt).maxNewTokens(2).build());
        driven.run();
      }
    }
    List<List<Long>> blocks =
        Trace.read(file).requests().stream().map(Trace.Request::blocks).toList();
    assertThat(blocks.get(0)).hasSize(3).doesNotHaveDuplicates();
    assertThat(blocks.get(1)).hasSize(3).startsWith(blocks.get(0).get(0));
    assertThat(blocks.get(1).subList(1, 3)).doesNotContainAnyElementsOf(blocks.get(0));
    assertThat(blocks.get(2)).startsWith(blocks.get(0).get(0), blocks.get(0).get(1)).hasSize(3);
    assertThat(blocks.get(2).get(2)).isNotEqualTo(blocks.get(0).get(2));
  }

  @Test
  void refusedRequest_isALineThatReadersSkip() throws IOException {
    Path file = folder.resolve("trace.csv");
    EngineEvent.Request asked =
        new EngineEvent.Request(SECOND, 3, 9, 1, NEVER, "a,b", 0, List.of());
    EngineEvent.Request later =
        new EngineEvent.Request(3 * SECOND, 4, 9, 0, NEVER, "", 0, List.of());
    EngineEvent refused = new EngineEvent.Refused(3 * SECOND, "r", Reason.QUEUE_FULL, later);
    try (Trace.Recorder recorder = Trace.recorder(file)) {
      recorder.onEvent(new EngineEvent.Refused(SECOND, "f", Reason.NEVER_FITS, asked));
      recorder.onEvent(refused);
      assertThat(recorder.recorded()).isZero();
      EngineEvent.Request served =
          new EngineEvent.Request(2 * SECOND, 5, 9, 0, NEVER, "", 4, List.of());
      recorder.onEvent(
          new EngineEvent.Ended(4 * SECOND, "s", FinishReason.STOP, 5, null, 0, served));
      assertThat(recorder.recorded()).isEqualTo(1);
      assertThat(Trace.read(file).requests()).hasSize(1);
    }

    assertThat(Trace.read(file).requests())
        .extracting(Trace.Request::promptTokens)
        .containsExactly(5);
    assertThat(Files.readAllLines(file))
        .filteredOn(line -> line.startsWith("#"))
        .containsExactly(
            "# 0.000000000,refused,NEVER_FITS,prompt_tokens=3,limit=9,priority=1,tenant=a%2Cb",
            "# 2.000000000,refused,QUEUE_FULL,prompt_tokens=4,limit=9,priority=0,tenant=");
  }

  @Test
  void fileThatCannotBeWritten_stopsTheRecording_andNeverThrows() throws IOException {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Trace.Recorder recorder = Trace.recorder(inner.resolve("trace.csv"), 4096, 2);
    Files.delete(inner.resolve("trace.csv")); // so that the full file cannot be sorted
    Files.delete(inner);

    for (int i = 0; i < 400; i++) {
      recorder.onEvent(ended(i, FinishReason.STOP, 5, null));
    }

    assertThat(recorder.recorded()).isBetween(1L, 200L);
    assertThat(recorder.failure().orElseThrow())
        .contains("trace.csv cannot be written", "recording stops after");
    recorder.close();
    recorder.onEvent(ended(1, FinishReason.STOP, 5, null));
  }

  @Test
  void badLimits_areRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Trace.recorder(folder.resolve("a"), 100, 1))
        .withMessageContaining("maxBytes");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Trace.recorder(folder.resolve("a"), 5000, 0))
        .withMessageContaining("files");
  }

  /** Returns an executor whose requests may share blocks, and whose steps take no time. */
  private static Executor atOnce() {
    ExecutorProfile profile =
        ExecutorProfile.builder()
            .kvBlocks(400, 16, 64)
            .maxContextTokens(2048)
            .maxTokensPerStep(2048)
            .maxSequencesPerStep(8)
            .vocabularySize(64)
            .sharesPrefixes(true)
            .build();
    HashExecutor hash = new HashExecutor(profile);
    return new ForwardingExecutor(hash) {
      @Override
      public CompletionStage<StepResult> execute(StepBatch batch) {
        return CompletableFuture.completedFuture(hash.run(batch));
      }
    };
  }

  private static EngineEvent.Request asked(int arrival) {
    return new EngineEvent.Request(arrival * SECOND, 3, 2000, 0, NEVER, "", 0, List.of());
  }

  private static EngineEvent queued(int arrival) {
    return new EngineEvent.Queued(
        arrival * SECOND, "r", LengthPrediction.exactly(4), false, asked(arrival));
  }

  /** Returns the end of a request that took three seconds. */
  private static EngineEvent ended(
      int arrival, FinishReason reason, int tokens, @Nullable LengthPrediction prediction) {
    return new EngineEvent.Ended(
        (arrival + 3) * SECOND, "r", reason, tokens, prediction, -1, asked(arrival));
  }
}
