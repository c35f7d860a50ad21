package dev.s3llm.text;

import dev.s3llm.text.TemplateTraits.History;
import dev.s3llm.text.internal.tool.CallIds;
import dev.s3llm.text.internal.tool.Functions;
import dev.s3llm.text.internal.tool.Json;
import dev.s3llm.text.tool.AnswerFormat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes tools, calls and results into a conversation in the form that a template reads: as the
 * template expects them, or as texts of messages if it does not show them.
 */
final class ToolFrame {
  private static final String CALLS = "tool_calls";
  private static final String CALL_ID = "tool_call_id";
  private static final String CONTENT = "content";
  private static final String INSTRUCTIONS =
      """
      You can call functions. These functions exist, one JSON object each:
      %s
      To call a function, answer with its name and its arguments in this form, once for each call:
      <tool_call>
      {"name": "function name", "arguments": {"parameter": "value"}}
      </tool_call>
      The results follow in the next message, each between <tool_response> and </tool_response>. \
      Call a function only if it helps to answer; otherwise answer in plain text.\
      """;

  private final TemplateTraits traits;

  private ToolFrame(TemplateTraits traits) {
    this.traits = traits;
  }

  /** Returns whether a conversation has tools, calls or results. */
  static boolean isNeeded(Conversation conversation) {
    return !conversation.tools().isEmpty()
        || conversation.messages().stream().anyMatch(ToolFrame::isHistory);
  }

  /** Returns a conversation as the template with these traits reads it. */
  static Conversation apply(Conversation conversation, TemplateTraits traits) {
    boolean history = conversation.messages().stream().anyMatch(ToolFrame::isHistory);
    boolean unseen = !conversation.tools().isEmpty() && !traits.showsTools();
    if (!history && !unseen) {
      return conversation;
    }
    ToolFrame frame = new ToolFrame(traits);
    History form = traits.showsTools() || !unseen ? traits.history() : null;
    List<ChatMessage> messages =
        form == null
            ? frame.asTexts(conversation.messages())
            : conversation.messages().stream()
                .map(message -> shaped(message, form))
                .map(frame::withShortIds)
                .toList();
    if (!unseen) {
      return conversation.withMessages(messages);
    }
    String text = instructions(conversation.tools());
    return conversation.withoutTools().withMessages(frame.withSystemText(messages, text));
  }

  /** Replaces ids that a template of Mistral would refuse. */
  private ChatMessage withShortIds(ChatMessage message) {
    if (traits.format() != AnswerFormat.MISTRAL || !isHistory(message)) {
      return message;
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(message.fields());
    if (fields.get(CALL_ID) instanceof String id) {
      fields.put(CALL_ID, CallIds.shortened(id));
    }
    if (fields.get(CALLS) instanceof List<?> calls) {
      fields.put(CALLS, calls.stream().map(ToolFrame::withShortId).toList());
    }
    return ChatMessage.of(fields);
  }

  private static Object withShortId(Object call) {
    if (!(call instanceof Map<?, ?> map) || !(map.get("id") instanceof String id)) {
      return call;
    }
    Map<Object, @Nullable Object> changed = new LinkedHashMap<>(map);
    changed.put("id", CallIds.shortened(id));
    return changed;
  }

  /** Returns a message with its calls in the form that a template reads. */
  static ChatMessage shaped(ChatMessage message, History form) {
    if (!(message.fields().get(CALLS) instanceof List<?> calls) || calls.isEmpty()) {
      return message;
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(message.fields());
    if (form.emptyContent() && fields.get(CONTENT) == null) {
      fields.put(CONTENT, "");
    }
    if (form.argumentsAsText()) {
      fields.put(CALLS, calls.stream().map(ToolFrame::withTextArguments).toList());
    }
    return ChatMessage.of(fields);
  }

  private static Object withTextArguments(Object call) {
    if (!(call instanceof Map<?, ?> map) || !(map.get("function") instanceof Map<?, ?> function)) {
      return call;
    }
    if (!(function.get("arguments") instanceof Map<?, ?> arguments)) {
      return call;
    }
    Map<Object, @Nullable Object> inner = new LinkedHashMap<>(function);
    inner.put("arguments", Json.write(arguments));
    Map<Object, @Nullable Object> outer = new LinkedHashMap<>(map);
    outer.put("function", inner);
    return outer;
  }

  private static boolean isHistory(ChatMessage message) {
    return message.isFrom(ChatRole.TOOL)
        || (message.fields().get(CALLS) instanceof List<?> calls && !calls.isEmpty());
  }

  private static String instructions(List<?> tools) {
    StringBuilder list = new StringBuilder();
    for (Object tool : tools) {
      Object function =
          tool instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> inner
              ? inner
              : tool;
      list.append(Json.write(function)).append('\n');
    }
    return INSTRUCTIONS.formatted(list.toString().stripTrailing());
  }

  private List<ChatMessage> withSystemText(List<ChatMessage> messages, String text) {
    List<ChatMessage> changed = new ArrayList<>(messages);
    ChatMessage first = changed.get(0);
    boolean hasSystem = first.isFrom(ChatRole.SYSTEM) || first.isFrom(ChatRole.DEVELOPER);
    if (hasSystem) {
      changed.set(0, replaced(first, joined(first.content(), text)));
    } else if (traits.showsSystem()) {
      changed.add(0, ChatMessage.system(text));
    } else if (first.isFrom(ChatRole.USER)) {
      changed.set(0, replaced(first, joined(text, first.content())));
    } else {
      changed.add(0, ChatMessage.user(text));
    }
    return changed;
  }

  /** Returns messages in which calls are texts of the model, and results texts of the user. */
  private List<ChatMessage> asTexts(List<ChatMessage> messages) {
    List<ChatMessage> changed = new ArrayList<>();
    boolean afterResult = false;
    for (ChatMessage message : messages) {
      boolean result = message.isFrom(ChatRole.TOOL);
      ChatMessage text =
          result ? ChatMessage.user(response(message.content())) : withCallsAsText(message);
      ChatMessage last = changed.isEmpty() ? null : changed.get(changed.size() - 1);
      if (last != null && afterResult && text.isFrom(ChatRole.USER)) {
        changed.set(changed.size() - 1, replaced(last, last.content() + "\n" + text.content()));
      } else {
        changed.add(text);
      }
      afterResult = result || (afterResult && text.isFrom(ChatRole.USER));
    }
    return changed;
  }

  private static String response(String content) {
    return "<tool_response>\n" + content + "\n</tool_response>";
  }

  private static ChatMessage withCallsAsText(ChatMessage message) {
    if (!(message.fields().get(CALLS) instanceof List<?> calls) || calls.isEmpty()) {
      return message;
    }
    StringBuilder text = new StringBuilder(message.content());
    for (Object call : calls) {
      text.append(text.isEmpty() ? "" : "\n").append("<tool_call>\n");
      text.append(Json.write(call(call))).append("\n</tool_call>");
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(message.fields());
    fields.remove(CALLS);
    fields.put(CONTENT, text.toString());
    return ChatMessage.of(fields);
  }

  private static @Nullable Object call(@Nullable Object call) {
    if (!(call instanceof Map<?, ?> map)) {
      return call;
    }
    Map<?, ?> function = map.get("function") instanceof Map<?, ?> inner ? inner : map;
    Object arguments = function.get("arguments");
    return PlainData.ordered(
        "name",
        Objects.requireNonNullElse(function.get("name"), ""),
        "arguments",
        arguments instanceof String text ? parsed(text) : arguments);
  }

  private static Object parsed(String arguments) {
    try {
      return Json.object(arguments);
    } catch (IllegalArgumentException e) {
      return arguments;
    }
  }

  private static ChatMessage replaced(ChatMessage message, String content) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(message.fields());
    fields.put(CONTENT, content);
    return ChatMessage.of(fields);
  }

  private static String joined(String first, String second) {
    return first.isEmpty() ? second : first + "\n\n" + second;
  }

  /** Returns the functions of a conversation. */
  static Functions functions(Conversation conversation) {
    return Functions.of(conversation.tools());
  }
}
