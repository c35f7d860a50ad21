package dev.s3llm.examples.cli.template;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.ChatTemplate;
import dev.s3llm.text.Conversation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A conversation in JSON: {@code messages}, and optionally {@code tools}, {@code documents}, {@code
 * add_generation_prompt}, {@code bos_token}, {@code eos_token} and {@code variables}, an object
 * whose fields have precedence over those beside it.
 *
 * @param json the object
 */
record TemplateInput(JsonNode json) {
  private static final String MESSAGES = "messages";
  private static final String TOOLS = "tools";
  private static final String DOCUMENTS = "documents";
  private static final String GENERATION_PROMPT = "add_generation_prompt";
  private static final String VARIABLES = "variables";
  private static final List<String> TOKENS = List.of("bos_token", "eos_token");
  private static final List<String> OWN = List.of(MESSAGES, TOOLS, DOCUMENTS, GENERATION_PROMPT);

  /**
   * Renders the conversation with the template in the field {@code template}. Variables that the
   * object does not have are undefined, also {@code add_generation_prompt}.
   *
   * @throws UsageException if a field is missing or of a wrong type
   * @throws IllegalArgumentException if a value cannot be used
   * @throws dev.s3llm.text.ChatTemplateException if the template is not valid, refuses the
   *     conversation or fails
   */
  String renderOwnTemplate() {
    JsonNode template = json.path("template");
    if (!template.isTextual()) {
      throw new UsageException("template must be a text");
    }
    Conversation.Builder builder = conversation();
    if (find(GENERATION_PROMPT) == null) {
      builder.withoutGenerationPromptVariable();
    }
    return ChatTemplate.jinja(template.asText(), Map.of()).render(builder.build());
  }

  /**
   * Returns a builder of the conversation; without {@code add_generation_prompt}, its default
   * stays.
   *
   * @throws UsageException if a field is missing or of a wrong type
   * @throws IllegalArgumentException if a value cannot be used
   */
  Conversation.Builder conversation() {
    List<ChatMessage> messages = new ArrayList<>();
    for (Map<String, @Nullable Object> fields : objects(MESSAGES, find(MESSAGES))) {
      messages.add(ChatMessage.of(fields));
    }
    Conversation.Builder builder = Conversation.builder(messages);
    JsonNode tools = find(TOOLS);
    if (tools != null) {
      builder.tools(objects(TOOLS, tools));
    }
    JsonNode documents = find(DOCUMENTS);
    if (documents != null) {
      builder.documents(objects(DOCUMENTS, documents));
    }
    JsonNode generationPrompt = find(GENERATION_PROMPT);
    if (generationPrompt != null) {
      builder.addGenerationPrompt(bool(generationPrompt));
    }
    setVariables(builder);
    return builder;
  }

  private void setVariables(Conversation.Builder builder) {
    JsonNode variables = json.path(VARIABLES);
    if (!variables.isMissingNode() && !variables.isNull() && !variables.isObject()) {
      throw new UsageException(VARIABLES + " must be an object");
    }
    for (String token : TOKENS) {
      if (json.has(token) && !variables.has(token)) {
        builder.variable(token, Json.plain(json.get(token)));
      }
    }
    for (Map.Entry<String, JsonNode> variable : variables.properties()) {
      if (!OWN.contains(variable.getKey())) {
        builder.variable(variable.getKey(), Json.plain(variable.getValue()));
      }
    }
  }

  /** Returns a field; null if it is absent or null. */
  private @Nullable JsonNode find(String name) {
    JsonNode variable = json.path(VARIABLES).path(name);
    JsonNode value = variable.isMissingNode() ? json.path(name) : variable;
    return value.isMissingNode() || value.isNull() ? null : value;
  }

  private static boolean bool(JsonNode value) {
    if (!value.isBoolean()) {
      throw new UsageException(GENERATION_PROMPT + " must be true or false, but is " + value);
    }
    return value.booleanValue();
  }

  private static List<Map<String, @Nullable Object>> objects(
      String name, @Nullable JsonNode value) {
    if (value == null || !value.isArray()) {
      throw new UsageException(name + " must be an array of objects");
    }
    List<Map<String, @Nullable Object>> objects = new ArrayList<>();
    for (JsonNode item : value) {
      if (!item.isObject()) {
        throw new UsageException(
            "%s must be an array of objects, but has %s".formatted(name, item));
      }
      objects.add(Json.plainObject(item));
    }
    return objects;
  }
}
