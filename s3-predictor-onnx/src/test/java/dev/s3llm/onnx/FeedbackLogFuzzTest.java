package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Answers with prompts of any text become rows that can be read again, in files of bounded size.
 */
@Timeout(60)
class FeedbackLogFuzzTest {
  private static final int MAX_FILE_BYTES = 2048;
  private static final int MAX_FILES = 3;
  private static final int MAX_ROWS = 200;

  @TempDir static Path folder;

  @FuzzTest
  void anyAnswers_becomeRowsInBoundedFiles(FuzzedDataProvider data) throws IOException {
    clear();
    int rows = 0;
    FeedbackLog log = FeedbackLog.open(folder.resolve("log"), MAX_FILE_BYTES, MAX_FILES);
    for (; data.remainingBytes() > 0 && rows < MAX_ROWS; rows++) {
      log.append(row(data));
    }
    log.close();
    assertThat(log.written() + log.dropped()).isEqualTo(rows);
    List<Path> files = files();
    assertThat(files).hasSizeLessThanOrEqualTo(MAX_FILES);
    for (Path file : files) {
      assertThat(Files.size(file)).isLessThanOrEqualTo(MAX_FILE_BYTES);
      for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
        JsonNode json = new ObjectMapper().readTree(line);
        assertThat(json.path("prompt").isTextual()).isTrue();
        assertThat(json.path("output_tokens").intValue()).isPositive();
      }
    }
  }

  private static LengthFeedback row(FuzzedDataProvider data) {
    int limit = data.consumeInt(1, Integer.MAX_VALUE);
    int tokens = data.consumeInt(1, limit);
    LengthPrediction prediction = LengthPrediction.exactly(data.consumeInt(1, limit));
    boolean cutOff = data.consumeBoolean();
    String prompt = data.consumeString(3000);
    LengthQuery query =
        new LengthQuery(data.consumeInt(1, Integer.MAX_VALUE), prompt, null, 0, limit);
    return new LengthFeedback(query, prediction, tokens, cutOff);
  }

  private static void clear() throws IOException {
    for (Path file : files()) {
      Files.delete(file);
    }
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.toList();
    }
  }
}
