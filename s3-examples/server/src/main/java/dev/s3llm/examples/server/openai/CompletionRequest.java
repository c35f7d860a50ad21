package dev.s3llm.examples.server.openai;

import dev.s3llm.S3Engine;
import java.util.List;
import java.util.OptionalInt;

/**
 * A request of {@code /v1/completions}.
 *
 * @param prompts the prompts, at least one
 * @param echo whether each answer begins with its prompt
 * @param options the fields that all endpoints have
 */
public record CompletionRequest(List<Prompt> prompts, boolean echo, GenerationOptions options) {
  private static final String LIMIT = "max_tokens";
  private static final int DEFAULT_MAX_TOKENS = 16;

  /**
   * Reads a request.
   *
   * @throws ApiException if a field is wrong or not supported
   */
  public static CompletionRequest read(JsonFields fields) {
    fields.refuse("suffix", value -> value.isString() && value.stringValue().isEmpty());
    List<Prompt> prompts = Prompts.read(fields);
    boolean echo = fields.flag("echo");
    int logProbabilities =
        fields.count("logprobs", 0, GenerationOptions.MOST_LOG_PROBABILITIES).orElse(-1);
    if (echo && logProbabilities >= 0) {
      throw ApiException.unsupported(
          "echo", "Unsupported parameter: 'echo' with 'logprobs': prompts have none.");
    }
    int limit = fields.count(LIMIT, 0, Integer.MAX_VALUE).orElse(DEFAULT_MAX_TOKENS);
    GenerationOptions options =
        GenerationOptions.read(
            fields,
            OutputLimit.read(fields, LIMIT, OptionalInt.of(limit)),
            logProbabilities,
            ResponseFormat.read(fields));
    GenerationOptions chosen = options.bestOf(bestOf(fields, options));
    requireFew(prompts.size(), chosen);
    return new CompletionRequest(prompts, echo, chosen);
  }

  private static void requireFew(int prompts, GenerationOptions options) {
    if ((long) prompts * options.answers() > S3Engine.MOST_ANSWERS) {
      String name = options.chooses() ? "best_of" : "n";
      throw ApiException.badField(
          name,
          "Invalid '%s': %d answers to each of %d prompts are more than %d answers."
              .formatted(name, options.answers(), prompts, S3Engine.MOST_ANSWERS));
    }
  }

  private static int bestOf(JsonFields fields, GenerationOptions options) {
    int n = options.answers();
    int bestOf = fields.count("best_of", 1, S3Engine.MOST_ANSWERS).orElse(n);
    if (bestOf < n) {
      throw ApiException.badField(
          "best_of",
          "Invalid 'best_of': it must be at least 'n', which is %d, but got %d instead."
              .formatted(n, bestOf));
    }
    if (bestOf > n && options.delivery().stream()) {
      throw ApiException.badField(
          "best_of", "Invalid 'best_of': answers can only be chosen without 'stream'.");
    }
    return bestOf;
  }
}
