package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Compares answers with reference answers token for token. Two programs whose logits differ by
 * rounding part where the best two tokens are about equally probable; after that nothing compares.
 */
final class ReferenceAnswers {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Map<String, JsonNode> expected = new HashMap<>();

  private ReferenceAnswers() {}

  /**
   * The first token that differs.
   *
   * @param id id of the prompt
   * @param position index in the answer; -1 if the prompt has another number of tokens, so that the
   *     answers are not those to the same question
   * @param margin the reference's best logit minus its second best there; infinite where one answer
   *     goes on and the other has ended
   */
  record Difference(String id, int position, double margin) {
    boolean ofPrompt() {
      return position < 0;
    }
  }

  /** Reads rows with {@code id}, {@code prompt_tokens}, {@code tokens} and {@code margins}. */
  static ReferenceAnswers read(Path file) throws IOException {
    ReferenceAnswers answers = new ReferenceAnswers();
    for (JsonNode row : rows(file)) {
      answers.expected.put(row.get("id").asText(), row);
    }
    return answers;
  }

  static List<JsonNode> rows(Path file) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      rows.add(MAPPER.readTree(line));
    }
    return rows;
  }

  /** Returns the first difference of each answer that has one. */
  List<Difference> differences(List<JsonNode> answers) {
    return answers.stream().map(this::difference).flatMap(Optional::stream).toList();
  }

  private Optional<Difference> difference(JsonNode answer) {
    JsonNode reference = expected.get(answer.get("id").asText());
    if (answer.get("prompt_tokens").asInt() != reference.get("prompt_tokens").asInt()) {
      return Optional.of(new Difference(answer.get("id").asText(), -1, Double.POSITIVE_INFINITY));
    }
    JsonNode actual = answer.get("tokens");
    JsonNode tokens = reference.get("tokens");
    return IntStream.range(0, Math.max(actual.size(), tokens.size()))
        .filter(i -> !actual.path(i).equals(tokens.path(i)))
        .mapToObj(
            i ->
                new Difference(
                    answer.get("id").asText(),
                    i,
                    i < tokens.size()
                        ? reference.get("margins").get(i).asDouble()
                        : Double.POSITIVE_INFINITY))
        .findFirst();
  }
}
