package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationRequest;
import java.util.OptionalInt;

/**
 * How long an answer may be, and must be.
 *
 * @param field name of the request's field with the limit
 * @param most most output tokens, 0 or more; empty for as many as fit
 * @param least output tokens before which no stop token may come
 * @param ignoreEos whether the answer goes on after the model's end tokens
 */
public record OutputLimit(String field, OptionalInt most, int least, boolean ignoreEos) {

  /**
   * Reads the least length and {@code ignore_eos}, extensions that other servers have too.
   *
   * @param field name of the field with the limit
   * @param most the limit, if there is one
   * @throws ApiException if a field is wrong
   */
  static OutputLimit read(JsonFields fields, String field, OptionalInt most) {
    int bound = most.orElse(GenerationRequest.AS_MANY_AS_FIT);
    return new OutputLimit(
        field, most, fields.count("min_tokens", 0, bound).orElse(0), fields.flag("ignore_eos"));
  }
}
