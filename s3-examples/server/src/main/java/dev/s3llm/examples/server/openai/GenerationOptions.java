package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.text.TextRequest;
import java.util.List;
import java.util.Optional;

/**
 * The fields that the requests of all endpoints have in common.
 *
 * @param model name of the model, if the request has one
 * @param limit how long an answer may be
 * @param sampling sampling parameters
 * @param stop strings that end the answer
 * @param delivery how the answer is sent
 * @param user name of the client's user, if the request has one
 * @param answers number of answers to each prompt that are generated, at least 1
 * @param format what the text of an answer must be like
 */
public record GenerationOptions(
    Optional<String> model,
    OutputLimit limit,
    SamplingParameters sampling,
    List<String> stop,
    Delivery delivery,
    Optional<String> user,
    int answers,
    ResponseFormat format) {

  /**
   * How an answer is sent.
   *
   * @param stream whether the answer is sent in pieces
   * @param includeUsage whether a stream ends with a count of tokens
   * @param logProbabilities how many alternatives of each token have their log probability in the
   *     answer, beside that of the token; -1 for none at all
   * @param kept how many answers to each prompt are sent, the likeliest if there are more
   */
  public record Delivery(boolean stream, boolean includeUsage, int logProbabilities, int kept) {}

  /** The most alternatives of a token. */
  static final int MOST_LOG_PROBABILITIES = ExecutorProfile.MOST_LOG_PROBABILITIES;

  /**
   * Reads the fields.
   *
   * @param limit how long an answer may be
   * @param logProbabilities alternatives of each token, or -1
   * @param format what the text of an answer must be like
   * @throws ApiException if a field is wrong
   */
  static GenerationOptions read(
      JsonFields fields, OutputLimit limit, int logProbabilities, ResponseFormat format) {
    List<String> stop = fields.strings("stop");
    checkStop(stop);
    int answers = fields.count("n", 1, S3Engine.MOST_ANSWERS).orElse(1);
    return new GenerationOptions(
        fields.string("model"),
        limit,
        SamplingFields.read(fields),
        stop,
        new Delivery(
            fields.flag("stream"),
            fields.object("stream_options").flag("include_usage"),
            logProbabilities,
            answers),
        user(fields),
        answers,
        format);
  }

  /**
   * Returns the same options with more answers generated than sent.
   *
   * @param bestOf number of answers to each prompt that are generated
   */
  GenerationOptions bestOf(int bestOf) {
    return new GenerationOptions(model, limit, sampling, stop, delivery, user, bestOf, format);
  }

  /** Returns whether not all answers are sent, but the likeliest. */
  public boolean chooses() {
    return delivery.kept() < answers;
  }

  /** Reads the user, which must be a valid tenant name. */
  private static Optional<String> user(JsonFields fields) {
    Optional<String> user = fields.string("user").filter(name -> !name.isEmpty());
    try {
      user.ifPresent(GenerationRequest.builder(0)::tenant);
    } catch (IllegalArgumentException e) {
      throw ApiException.badField(
          "user",
          "Invalid 'user': " + String.valueOf(e.getMessage()).replaceFirst("tenant", "it") + ".");
    }
    return user;
  }

  private static void checkStop(List<String> stop) {
    try {
      TextRequest.builder().stop(stop);
    } catch (IllegalArgumentException e) {
      throw ApiException.badField("stop", "Invalid 'stop': " + e.getMessage() + ".");
    }
  }
}
