package dev.s3llm.examples.speech.transcribe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.EngineBuilder;
import dev.s3llm.error.NeverFitsException;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.model.speech.CanvasListener.CanvasState;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.observe.FinishReason;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TranscriberTest {
  private static final long KV_BYTES = 16L << 20;

  private static SpeechModel model;
  private static Transcriber transcriber;

  @BeforeAll
  static void start() {
    model = SpeechModel.embedded();
    transcriber = Transcriber.builder(model, SpeechExecutors.cpu(model, KV_BYTES, 2)).build();
  }

  @AfterAll
  static void stop() {
    transcriber.close();
    model.close();
  }

  private static Transcription transcribe(Path file, Decoding decoding) {
    TranscriptionOptions options = TranscriptionOptions.NONE.with(decoding);
    return transcriber.submit(transcriber.read(file), options).result().join();
  }

  @Test
  void strategy_ofARequestDecides() throws IOException {
    JsonNode vectors =
        new ObjectMapper()
            .readTree(Recordings.YES.resolveSibling("vectors.json").toFile())
            .at("/middle/strategies");

    assertText(vectors, "ctc", Decoding.of(Strategy.CTC, 1));
    assertText(vectors, "left-to-right", Decoding.of(Strategy.LEFT_TO_RIGHT, 1));
    assertText(vectors, "easy-first K=L", Decoding.of(Strategy.EASY_FIRST, 512));
    assertText(vectors, "mask-ctc", Decoding.of(Strategy.MASK_CTC, 3));
  }

  private static void assertText(JsonNode vectors, String name, Decoding decoding) {
    Transcription result = transcribe(Recordings.NAME, decoding);
    JsonNode expected = vectors.path(name);
    assertThat(result.text()).as(name).isEqualTo(expected.path("text").asText());
    assertThat(result.canvas().passes()).as(name).isEqualTo(expected.path("passes").asInt());
  }

  @Test
  void result_saysWhatTheRecordingTook() {
    Transcription result = transcribe(Recordings.YES, Decoding.of(Strategy.EASY_FIRST, 3));

    assertThat(result.text()).isEqualTo("YES");
    assertThat(result.complete()).isTrue();
    assertThat(result.audio()).isEqualTo(new Transcription.Audio(0.9, 22));
    assertThat(result.canvas()).isEqualTo(new Transcription.Canvas(8, 3, 0));
    assertThat(result.predictedCharacters()).isBetween(1, 20);
    assertThat(result.preemptions()).isZero();
    assertThat(result.total()).isPositive();
  }

  @Test
  void silence_isAnEmptyTextWithoutAPass() {
    for (double seconds : new double[] {0.001, 0.5, 10}) {
      Speech silence = transcriber.read("silence.wav", Recordings.silence(seconds));

      Transcription result = transcriber.submit(silence).result().join();

      assertThat(result.text()).isEmpty();
      assertThat(result.canvas()).isEqualTo(new Transcription.Canvas(0, 0, 0));
    }
  }

  @Test
  void noise_endsWithAtMostAFewLetters() {
    Speech noise = transcriber.read("noise.wav", Recordings.noise());

    assertThat(transcriber.submit(noise).result().join().text()).hasSizeLessThan(10);
  }

  @Test
  void listener_seesTheCanvasFilled() {
    List<CanvasState> states = new ArrayList<>();
    TranscriptionOptions options = TranscriptionOptions.NONE.with(states::add);

    transcriber.submit(transcriber.read(Recordings.NAME), options).result().join();

    assertThat(states).hasSize(3).extracting(CanvasState::pass).containsExactly(1, 2, 3);
    assertThat(states.get(2).ids()).doesNotContain(model.config().maskId());
  }

  @Test
  void cancelledRecording_failsAlone() {
    List<TranscriptionJob> jobs = new ArrayList<>();
    for (Path file : List.of(Recordings.SPLICED, Recordings.YES, Recordings.YES)) {
      jobs.add(transcriber.submit(transcriber.read(file)));
    }

    jobs.get(2).cancel();

    assertThatThrownBy(() -> jobs.get(2).result().join())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOfSatisfying(
            TranscriptionFailedException.class,
            failure -> assertThat(failure.reason()).isEqualTo(FinishReason.CANCELLED));
    assertThat(jobs.get(1).result().join().text()).isEqualTo("YES");
  }

  @Test
  void recordingThatNeverFits_isRefusedWithTheNumbers() {
    try (Transcriber small = start(builder -> {}, 512 << 10)) {
      Speech speech = small.read(Recordings.SPLICED);

      assertThatThrownBy(() -> small.submit(speech)).isInstanceOf(NeverFitsException.class);
    }
  }

  @Test
  void textThatMemoryCutsOff_failsAndShorterOnesAreTranscribed() {
    try (Transcriber small = start(builder -> {}, 1L << 20)) {
      TranscriptionJob tooLong = small.submit(small.read(Recordings.SPLICED));
      TranscriptionJob yes = small.submit(small.read(Recordings.YES));

      assertThatThrownBy(() -> tooLong.result().join())
          .hasCauseInstanceOf(TranscriptionFailedException.class)
          .hasMessageContaining("more than 32 positions");
      assertThat(yes.result().join().text()).isEqualTo("YES");
    }
  }

  @Test
  void texts_dependOnNeitherPlannerNorPool() {
    List<Path> files = List.of(Recordings.SPLICED, Recordings.YES, Recordings.NAME, Recordings.YES);
    List<String> alone =
        files.stream()
            .map(file -> transcribe(file, Decoding.of(Strategy.EASY_FIRST, 3)).text())
            .toList();
    List<MemoryPlanner> planners =
        List.of(
            new WorstCasePlanner(),
            new S3Planner(),
            new S3Planner(512),
            new OnDemandPlanner(),
            new ForecastPlanner());
    for (MemoryPlanner planner : planners) {
      try (Transcriber crowded = start(engine -> engine.planner(planner), 3L << 20)) {
        List<TranscriptionJob> jobs =
            files.stream().map(file -> crowded.submit(crowded.read(file))).toList();
        List<String> together = jobs.stream().map(job -> job.result().join().text()).toList();
        assertThat(together).as(planner.name()).isEqualTo(alone);
      }
    }
  }

  private static Transcriber start(Consumer<EngineBuilder> settings, long kvBytes) {
    return Transcriber.builder(model, SpeechExecutors.cpu(model, kvBytes, 2))
        .longest(Duration.ofSeconds(30))
        .engine(settings)
        .build();
  }
}
