package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationRequest;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.text.TextRequest;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The fields that chat and completion requests have in common.
 *
 * @param model name of the model, if the request has one
 * @param limitField name of the field with the output limit
 * @param maxTokens output limit, in tokens
 * @param minTokens output tokens before which no stop token may come
 * @param ignoreEos whether the answer goes on after the model's end tokens
 * @param sampling sampling parameters
 * @param stop strings that end the answer
 * @param stream whether the answer is sent in pieces
 * @param includeUsage whether a stream ends with a count of tokens
 * @param user name of the client's user, if the request has one
 */
public record GenerationOptions(
    Optional<String> model,
    String limitField,
    OptionalInt maxTokens,
    int minTokens,
    boolean ignoreEos,
    SamplingParameters sampling,
    List<String> stop,
    boolean stream,
    boolean includeUsage,
    Optional<String> user) {
  private static final double MAX_TEMPERATURE = 2;
  private static final double LEAST_TOP_P = 1e-6;

  static GenerationOptions read(JsonFields fields, String limitField, OptionalInt maxTokens) {
    refuseUnsupported(fields);
    List<String> stop = fields.strings("stop");
    checkStop(stop);
    return new GenerationOptions(
        fields.string("model"),
        limitField,
        maxTokens,
        minTokens(fields, maxTokens),
        fields.flag("ignore_eos"),
        sampling(fields),
        stop,
        fields.flag("stream"),
        fields.object("stream_options").flag("include_usage"),
        user(fields));
  }

  /** Reads the least length, an extension that other servers have too. */
  private static int minTokens(JsonFields fields, OptionalInt maxTokens) {
    @Nullable Long least = fields.integer("min_tokens");
    int most = maxTokens.orElse(GenerationRequest.AS_MANY_AS_FIT);
    if (least != null && (least < 0 || least > most)) {
      throw ApiException.badField(
          "min_tokens", "min_tokens must be from 0 to the output limit, but is " + least);
    }
    return least == null ? 0 : least.intValue();
  }

  /** Reads the user, which must be a valid tenant name. */
  private static Optional<String> user(JsonFields fields) {
    Optional<String> user = fields.string("user").filter(name -> !name.isEmpty());
    try {
      user.ifPresent(GenerationRequest.builder(0)::tenant);
    } catch (IllegalArgumentException e) {
      throw ApiException.badField(
          "user", String.valueOf(e.getMessage()).replaceFirst("tenant", "user"));
    }
    return user;
  }

  private static SamplingParameters sampling(JsonFields fields) {
    double temperature = fields.number("temperature", 1, 0, MAX_TEMPERATURE);
    double topP = fields.number("top_p", 1, 0, 1);
    @Nullable Long seed = fields.integer("seed");
    boolean greedy = topP < LEAST_TOP_P; // no token but the likeliest is left
    return new SamplingParameters(
        greedy ? 0 : temperature,
        0,
        greedy ? 1 : topP,
        1,
        seed == null ? ThreadLocalRandom.current().nextLong() : seed);
  }

  private static void checkStop(List<String> stop) {
    try {
      TextRequest.builder().stop(stop);
    } catch (IllegalArgumentException e) {
      throw ApiException.badField("stop", String.valueOf(e.getMessage()));
    }
  }

  private static void refuseUnsupported(JsonFields fields) {
    fields.refuse("n", value -> JsonFields.isInt(value, 1));
    for (String name : List.of("presence_penalty", "frequency_penalty")) {
      fields.refuse(
          name, value -> value.isNumber() && value.doubleValueOpt().orElse(Double.NaN) == 0);
    }
    fields.refuse("logit_bias", value -> value.isObject() && value.isEmpty());
  }
}
