package dev.s3llm.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.s3llm.text.ToolCall;
import dev.s3llm.text.ToolFunction;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Converts LangChain4j's tools. */
final class Tools {
  private Tools() {}

  /** Converts specifications to the form of the OpenAI protocol. */
  static List<Map<String, @Nullable Object>> of(List<ToolSpecification> specifications) {
    return specifications.stream().map(Tools::of).toList();
  }

  private static Map<String, @Nullable Object> of(ToolSpecification specification) {
    boolean strict = Boolean.TRUE.equals(specification.strict());
    JsonObjectSchema parameters = specification.parameters();
    return new ToolFunction(
            specification.name(),
            Objects.requireNonNullElse(specification.description(), ""),
            parameters == null
                ? Map.of("type", "object", "properties", Map.of())
                : JsonSchemaElementUtils.toMap(parameters, strict),
            strict)
        .definition();
  }

  /** Converts a choice; the model decides if there is none. */
  static dev.s3llm.text.tool.ToolChoice of(@Nullable ToolChoice choice) {
    if (choice == null) {
      return dev.s3llm.text.tool.ToolChoice.auto();
    }
    return switch (choice) {
      case AUTO -> dev.s3llm.text.tool.ToolChoice.auto();
      case REQUIRED -> dev.s3llm.text.tool.ToolChoice.required();
      case NONE -> dev.s3llm.text.tool.ToolChoice.none();
    };
  }

  /** Converts calls of the model. */
  static List<ToolExecutionRequest> requests(List<ToolCall> calls) {
    return calls.stream()
        .map(
            call ->
                ToolExecutionRequest.builder()
                    .id(call.id())
                    .name(call.name())
                    .arguments(call.argumentsJson())
                    .build())
        .toList();
  }
}
