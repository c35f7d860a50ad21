package dev.s3llm.examples.server.openai;

import java.util.List;
import java.util.OptionalInt;

/**
 * A request of {@code /v1/responses}. The server stores no response, so a request has its whole
 * conversation.
 *
 * @param dialogue the conversation
 * @param options the fields that all endpoints have
 * @param fields the request's own fields, which the response repeats
 */
public record ResponsesRequest(Dialogue dialogue, GenerationOptions options, JsonFields fields) {
  private static final String LIMIT = "max_output_tokens";

  /**
   * Reads a request.
   *
   * @throws ApiException if a field is wrong or not supported
   */
  public static ResponsesRequest read(JsonFields fields) {
    for (String stored : List.of("previous_response_id", "conversation")) {
      if (fields.find(stored) != null) {
        throw ApiException.unsupported(
            stored,
            "Unsupported parameter: '%s' is not supported, as this server stores no responses. Send the whole conversation as 'input'."
                .formatted(stored));
      }
    }
    for (String name : List.of("background", "prompt", "n")) {
      fields.refuse(name, value -> value.isBoolean() && !value.booleanValue());
    }
    Tools tools = Tools.read(fields, Tools.Place.FLAT);
    ResponseFormat format = ResponseFormat.readText(fields);
    OptionalInt most = fields.count(LIMIT, 1, Integer.MAX_VALUE);
    int logProbabilities = logProbabilities(fields);
    return new ResponsesRequest(
        Dialogue.read(
            ResponseItems.read(fields), tools, fields, fields.object("reasoning").string("effort")),
        GenerationOptions.read(
            fields, OutputLimit.read(fields, LIMIT, most), logProbabilities, format),
        fields);
  }

  /** Reads how many alternatives of each token the response has; -1 for no log probabilities. */
  private static int logProbabilities(JsonFields fields) {
    boolean wanted = fields.strings("include").contains("message.output_text.logprobs");
    OptionalInt most = fields.count("top_logprobs", 0, GenerationOptions.MOST_LOG_PROBABILITIES);
    return wanted ? most.orElse(0) : -1;
  }
}
