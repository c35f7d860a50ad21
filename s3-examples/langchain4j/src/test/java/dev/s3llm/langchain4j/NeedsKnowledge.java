package dev.s3llm.langchain4j;

import java.lang.reflect.Method;
import java.util.Set;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Disables those of LangChain4j's tests that need an answer which a model of 5.5 million parameters
 * does not know. The scripted model runs them.
 */
final class NeedsKnowledge implements ExecutionCondition {
  private static final Set<String> TESTS =
      Set.of(
          "should_respect_user_message",
          "should_respect_system_message",
          "should_respect_multiple_messages",
          "should_respect_stopSequences_in_chat_request",
          "should_respect_stopSequences_in_default_model_parameters",
          "should_chat_asynchronously",
          "should_execute_a_tool_then_answer",
          "should_execute_a_tool_without_arguments_then_answer",
          "should_execute_multiple_tools_in_parallel_then_answer",
          "should_execute_a_tool_then_answer_respecting_JSON_response_format_with_schema",
          "should_force_LLM_to_execute_any_tool",
          "should_force_LLM_to_execute_specific_tool",
          "should_respect_JSON_response_format",
          "should_respect_JSON_response_format_with_schema",
          "should_respect_JsonRawSchema_responseFormat");

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return context.getTestMethod().map(Method::getName).filter(TESTS::contains).isPresent()
        ? ConditionEvaluationResult.disabled("needs knowledge; the scripted model runs it")
        : ConditionEvaluationResult.enabled("needs no knowledge");
  }
}
