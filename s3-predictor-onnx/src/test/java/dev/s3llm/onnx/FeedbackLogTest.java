package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedbackLogTest {
  @TempDir Path folder;

  @Test
  void rows_areWhatTheTrainingScriptReads() throws Exception {
    Path file = folder.resolve("feedback.jsonl");
    try (FeedbackLog log = FeedbackLog.open(file, 1 << 20, 3)) {
      log.append(feedback("a \"quoted\"\nprompt \uD83D\uDE00", 17, false));
      log.append(feedback("cut off", 256, true));
      log.append(feedback(null, 5, false));
    }
    List<String> lines = Files.readAllLines(file);
    JsonNode row = new ObjectMapper().readTree(lines.get(0));
    assertThat(lines).hasSize(2);
    assertThat(row.path("prompt").asText()).isEqualTo("a \"quoted\"\nprompt \uD83D\uDE00");
    assertThat(row.path("output_tokens").asInt()).isEqualTo(17);
    assertThat(row.path("finished").asBoolean()).isTrue();
    assertThat(row.path("predicted_p90").asInt()).isEqualTo(90);
    assertThat(new ObjectMapper().readTree(lines.get(1)).path("finished").asBoolean()).isFalse();
  }

  @Test
  void fullFiles_areRotatedAndTheOldestDeleted() throws Exception {
    Path file = folder.resolve("feedback.jsonl");
    for (int i = 0; i < 12; i++) {
      try (FeedbackLog log = FeedbackLog.open(file, 1024, 3)) {
        log.append(feedback("prompt " + i + " " + "x".repeat(500), 1, false));
      }
    }
    try (var files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("feedback.jsonl", "feedback.jsonl.1", "feedback.jsonl.2");
    }
    assertThat(Files.readString(file)).contains("prompt 11");
    assertThat(Files.readString(folder.resolve("feedback.jsonl.2"))).doesNotContain("prompt 0 ");
  }

  @Test
  void burst_isRotatedRowByRow() throws Exception {
    Path file = folder.resolve("feedback.jsonl");
    FeedbackLog log = FeedbackLog.open(file, 1024, 20);
    for (int i = 0; i < 12; i++) {
      log.append(feedback("prompt " + i + " " + "x".repeat(300), 1, false));
    }
    log.append(feedback("x".repeat(2000), 1, false)); // longer than a file
    log.close();
    assertThat(log.written()).isEqualTo(12);
    assertThat(log.dropped()).isEqualTo(1);
    try (var files = Files.list(folder)) {
      List<Path> all = files.toList();
      assertThat(all).hasSize(6).allSatisfy(f -> assertThat(Files.size(f)).isLessThan(1025));
    }
  }

  @Test
  void everyRow_isWrittenOrCountedWhateverClosesWhen() throws Exception {
    for (int round = 0; round < 20; round++) {
      Path file = folder.resolve("feedback" + round);
      FeedbackLog log = FeedbackLog.open(file, 64 << 20, 2);
      Thread caller =
          new Thread(
              () -> {
                for (int i = 0; i < 8_000; i++) { // more than the queue holds
                  log.append(feedback("x", 1, false));
                }
              });
      caller.start();
      Thread.sleep(round / 4);
      log.close();
      caller.join();
      assertThat(log.written() + log.dropped()).isEqualTo(8_000);
      long lines = Files.exists(file) ? Files.readAllLines(file).size() : 0;
      assertThat(lines).isEqualTo(log.written());
    }
  }

  @Test
  void unwritableFile_isCountedAndHarmsNobody() throws Exception {
    Path file = Files.createDirectory(folder.resolve("is-a-folder"));
    FeedbackLog log = FeedbackLog.open(file, 1024, 3);
    log.append(feedback("x", 1, false));
    log.close();
    log.append(feedback("too late", 1, false));
    assertThat(log.dropped()).isEqualTo(2);
    assertThat(log.written()).isZero();
  }

  @Test
  void settings_areCheckedByName() {
    Path file = folder.resolve("f");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FeedbackLog.open(file, 10, 3))
        .withMessageContaining("maxFileBytes");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FeedbackLog.open(file, 1024, 0))
        .withMessageContaining("maxFiles");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FeedbackLog.open(folder.resolve("no/such"), 1024, 1))
        .withMessageContaining("folder");
  }

  private static LengthFeedback feedback(String prompt, int actual, boolean censored) {
    return new LengthFeedback(
        new LengthQuery(3, prompt, null, 0, 256), LengthPrediction.uniform(100), actual, censored);
  }
}
