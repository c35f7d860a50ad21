package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult;
import dev.s3llm.GenerationResult.TokenScores;
import dev.s3llm.text.ToolCall;
import dev.s3llm.text.tool.AnswerEvent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The response of {@code /v1/responses}: its fields in each state. */
public final class ResponseObject {
  private final CompletionHead head;
  private final ResponsesRequest request;

  /**
   * Creates the response of a request.
   *
   * @param head id, time and model
   * @param request the request, whose fields the response repeats
   */
  public ResponseObject(CompletionHead head, ResponsesRequest request) {
    this.head = head;
    this.request = request;
  }

  /** Returns the response before it has ended. */
  Map<String, @Nullable Object> begun() {
    return fields("in_progress", List.of());
  }

  /**
   * Returns the response of an answer that has ended.
   *
   * @param output the items of the answer
   */
  Map<String, @Nullable Object> ended(Finished answer, List<?> output) {
    Map<String, @Nullable Object> fields =
        fields(answer.isCut() ? "incomplete" : "completed", output);
    if (answer.isCut()) {
      fields.put("incomplete_details", Map.of("reason", "max_output_tokens"));
    }
    fields.put("usage", usage(Usage.of(List.of(answer))));
    return fields;
  }

  /** Returns the response of a request that has failed while it ran. */
  Map<String, @Nullable Object> failed(ApiException error) {
    Map<String, @Nullable Object> fields = fields("failed", List.of());
    fields.put(
        "error", Map.of("code", error.kind(), "message", String.valueOf(error.getMessage())));
    return fields;
  }

  /**
   * Returns a whole response.
   *
   * @param texts texts of tokens, for log probabilities; null if the client wants none
   */
  public Object whole(Finished answer, @Nullable TokenTexts texts) {
    ResponseStream items = new ResponseStream(this, texts == null ? null : scores(answer, texts));
    if (!answer.reasoning().isEmpty()) {
      items.event(new AnswerEvent.Reasoning(answer.reasoning()));
    }
    if (!answer.text().isEmpty()) {
      items.event(new AnswerEvent.Content(answer.text()));
    }
    int calls = 0;
    for (ToolCall call : answer.toolCalls()) {
      items.event(new AnswerEvent.CallStart(calls, call.id(), call.name()));
      items.event(new AnswerEvent.CallArguments(calls, call.argumentsJson()));
      items.event(new AnswerEvent.CallEnd(calls++));
    }
    return items.end(answer);
  }

  private static OutputScores scores(Finished answer, TokenTexts texts) {
    List<TokenScores> all = answer.tokens().map(GenerationResult::scores).orElse(List.of());
    return new OutputScores(
        index -> index < all.size() ? Optional.of(all.get(index)) : Optional.empty(), texts);
  }

  String itemId(String prefix, int index) {
    return prefix + head.id().substring(Endpoint.RESPONSES.idPrefix().length()) + "_" + index;
  }

  private Map<String, @Nullable Object> fields(String status, List<?> output) {
    JsonFields sent = request.fields();
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("id", head.id());
    fields.put("object", "response");
    fields.put("created_at", head.created().getEpochSecond());
    fields.put("status", status);
    fields.put("background", false);
    fields.put("error", null);
    fields.put("incomplete_details", null);
    fields.put("instructions", sent.find("instructions"));
    fields.put("max_output_tokens", sent.find("max_output_tokens"));
    fields.put("model", head.model());
    fields.put("output", output);
    fields.put("parallel_tool_calls", sent.flag("parallel_tool_calls", true));
    fields.put("previous_response_id", null);
    fields.put("reasoning", orElse(sent, "reasoning", Map.of()));
    fields.put("store", false);
    fields.put("temperature", orElse(sent, "temperature", 1.0));
    fields.put("text", orElse(sent, "text", Map.of("format", Map.of("type", "text"))));
    fields.put("tool_choice", orElse(sent, "tool_choice", "auto"));
    fields.put("tools", orElse(sent, "tools", List.of()));
    fields.put("top_logprobs", orElse(sent, "top_logprobs", 0));
    fields.put("top_p", orElse(sent, "top_p", 1.0));
    fields.put("truncation", "disabled");
    fields.put("usage", null);
    fields.put("user", sent.find("user"));
    fields.put("metadata", orElse(sent, "metadata", Map.of()));
    return fields;
  }

  private static Object orElse(JsonFields sent, String name, Object byDefault) {
    Object value = sent.find(name);
    return value == null ? byDefault : value;
  }

  private static Map<String, @Nullable Object> usage(Usage usage) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("input_tokens", usage.promptTokens());
    fields.put("input_tokens_details", usage.promptTokensDetails());
    fields.put("output_tokens", usage.completionTokens());
    fields.put("output_tokens_details", usage.completionTokensDetails());
    fields.put("total_tokens", usage.totalTokens());
    fields.put("s3", usage.s3());
    return fields;
  }
}
