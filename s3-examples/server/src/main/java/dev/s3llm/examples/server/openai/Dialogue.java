package dev.s3llm.examples.server.openai;

import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.Conversation;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A conversation with tools, and how the model thinks before it answers.
 *
 * @param messages the messages, oldest first
 * @param tools the tools
 * @param effort how much the model thinks, for templates that read it
 * @param thinkingBudget most tokens of reasoning
 * @param variables further variables of the model's template
 */
public record Dialogue(
    List<ChatMessage> messages,
    Tools tools,
    Optional<String> effort,
    OptionalInt thinkingBudget,
    Map<String, @Nullable Object> variables) {
  private static final String EFFORT = "reasoning_effort";
  private static final List<String> EFFORTS =
      List.of("none", "minimal", "low", "medium", "high", "xhigh");

  /**
   * Creates a dialogue. {@code chat_template_kwargs} and {@code thinking_token_budget} are
   * extensions that other servers have too.
   *
   * @param fields the request's fields
   * @param effort field of the effort
   * @throws ApiException if a field is wrong
   */
  static Dialogue read(
      List<ChatMessage> messages, Tools tools, JsonFields fields, Optional<String> effort) {
    effort.ifPresent(
        text -> {
          if (!EFFORTS.contains(text)) {
            throw FieldErrors.value(EFFORT, text, "'" + String.join("', '", EFFORTS) + "'");
          }
        });
    @Nullable JsonNode kwargs = fields.find("chat_template_kwargs");
    return new Dialogue(
        messages,
        tools,
        effort,
        fields.count("thinking_token_budget", 0, Integer.MAX_VALUE),
        kwargs == null ? Map.of() : Json.plain(fields.object("chat_template_kwargs").json()));
  }

  /**
   * Checks that a model can keep a response format in this conversation.
   *
   * @throws ApiException if it cannot
   */
  public void requireKept(ResponseFormat format, TextModel model) {
    format.requireKept(tools, () -> model.answerFormat(conversation()));
  }

  private Conversation conversation() {
    Conversation.Builder conversation = Conversation.builder(messages);
    if (!tools.all().isEmpty()) {
      conversation.tools(tools.all());
    }
    try {
      variables.forEach(conversation::variable);
      if (!variables.containsKey(EFFORT)) {
        effort.ifPresent(text -> conversation.variable(EFFORT, text));
      }
    } catch (IllegalArgumentException e) {
      throw ApiException.badField(
          "chat_template_kwargs", "Invalid 'chat_template_kwargs': " + e.getMessage() + ".");
    }
    return conversation.build();
  }

  /** Returns a builder of a request for the next message. */
  public TextRequest.Builder request() {
    TextRequest.Builder request = TextRequest.builder().conversation(conversation());
    tools.applyTo(request);
    if (effort.filter("none"::equals).isPresent()) {
      request.thinking(false);
    }
    thinkingBudget.ifPresent(request::thinkingBudget);
    return request;
  }
}
