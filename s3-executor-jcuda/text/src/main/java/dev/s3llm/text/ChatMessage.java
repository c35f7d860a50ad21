package dev.s3llm.text;

import com.google.common.base.Ascii;
import com.google.common.base.Preconditions;
import dev.s3llm.support.Settings;
import dev.s3llm.text.internal.jinja.OwnText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation: a role, a content, and whatever else a chat template reads. Most
 * messages are {@link #system}, {@link #user} or {@link #assistant}; a {@link #builder} adds calls
 * of tools and reasoning, and {@link #of(Map)} takes any fields.
 *
 * <pre>{@code
 * ChatMessage call =
 *     ChatMessage.builder(ChatRole.ASSISTANT)
 *         .toolCall(new ToolCall("call_1", "weather", Map.of("city", "Paris")))
 *         .build();
 * ChatMessage result = ChatMessage.tool("21 degrees", "call_1");
 * }</pre>
 *
 * <p>Immutable and thread-safe. Two messages are equal if their fields are.
 */
public final class ChatMessage {
  private static final String ROLE = "role";
  private static final String CONTENT = "content";

  /** The fields that a builder has setters for. */
  private static final List<String> FIELDS =
      List.of(ROLE, CONTENT, "name", "reasoning_content", "tool_call_id", "tool_calls");

  private final Map<String, @Nullable Object> fields;

  private ChatMessage(Map<String, @Nullable Object> fields) {
    this.fields = fields;
  }

  /**
   * Creates a message of a role and a text.
   *
   * @param role the author's role
   * @param content the text; may be empty
   * @throws NullPointerException if an argument is null
   */
  public static ChatMessage of(ChatRole role, String content) {
    return builder(role).content(content).build();
  }

  /**
   * Creates a message of the application.
   *
   * @param content the text; may be empty
   * @throws NullPointerException if the text is null
   */
  public static ChatMessage system(String content) {
    return of(ChatRole.SYSTEM, content);
  }

  /**
   * Creates a message of the user.
   *
   * @param content the text; may be empty
   * @throws NullPointerException if the text is null
   */
  public static ChatMessage user(String content) {
    return of(ChatRole.USER, content);
  }

  /**
   * Creates a message of the model: an earlier answer.
   *
   * @param content the text; may be empty
   * @throws NullPointerException if the text is null
   */
  public static ChatMessage assistant(String content) {
    return of(ChatRole.ASSISTANT, content);
  }

  /**
   * Creates a message with the result of a tool.
   *
   * @param content the result as text, often JSON; may be empty
   * @param toolCallId the id of the call that the tool answers
   * @throws NullPointerException if an argument is null
   */
  public static ChatMessage tool(String content, String toolCallId) {
    return builder(ChatRole.TOOL).content(content).toolCallId(toolCallId).build();
  }

  /**
   * Creates a message of the fields that a template sees, as in the JSON of the OpenAI protocol.
   *
   * @param fields {@code role} (a text that is not blank) and any others: null, strings, booleans,
   *     numbers, lists, and maps with keys of text; copied
   * @throws IllegalArgumentException if there is no role, or a value is of another type or nests
   *     more than 100 values
   */
  public static ChatMessage of(Map<String, ? extends @Nullable Object> fields) {
    Map<String, @Nullable Object> copy = PlainData.copy("message", fields);
    Preconditions.checkArgument(
        copy.get(ROLE) instanceof String role && !role.isBlank(),
        "a message must have a role, a text that is not blank, but has %s",
        copy.get(ROLE));
    return new ChatMessage(copy);
  }

  /**
   * Creates a builder without a content.
   *
   * @param role the author's role
   * @throws NullPointerException if the role is null
   */
  public static Builder builder(ChatRole role) {
    return new Builder(role);
  }

  /** Returns the role's name, such as {@code user}. */
  public String role() {
    return (String) Objects.requireNonNull(fields.get(ROLE));
  }

  /** Returns whether the author has a role. */
  boolean isFrom(ChatRole role) {
    return role.text().equals(role());
  }

  /** Returns the text: of parts, those of text, joined; empty if there is none. */
  public String content() {
    Object content = fields.get(CONTENT);
    if (!(content instanceof List<?> parts)) {
      return content instanceof String text ? text : "";
    }
    StringBuilder text = new StringBuilder();
    for (Object part : parts) {
      if (part instanceof Map<?, ?> map && map.get("text") instanceof String piece) {
        text.append(piece);
      }
    }
    return text.toString();
  }

  /**
   * Returns what a template sees of this message, {@code role} and {@code content} first: null,
   * strings, booleans, numbers, lists and maps, none of which can be changed.
   */
  public Map<String, @Nullable Object> fields() {
    return fields;
  }

  /**
   * Returns the fields for a template. Some templates make a control token of the role, {@code '<|'
   * + role + '|>'}: a role that is a plain word counts as the template's own text.
   */
  Map<String, @Nullable Object> variables() {
    if (!role().chars().allMatch(c -> c == '_' || Ascii.isLowerCase((char) c))) {
      return fields;
    }
    Map<String, @Nullable Object> variables = new LinkedHashMap<>(fields);
    variables.put(ROLE, new OwnText(role()));
    return variables;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ChatMessage message && fields.equals(message.fields);
  }

  @Override
  public int hashCode() {
    return fields.hashCode();
  }

  @Override
  public String toString() {
    return "ChatMessage" + fields;
  }

  /**
   * Builds a {@link ChatMessage}. Each setter throws {@link NullPointerException} for null, and
   * {@link IllegalStateException} naming the earlier value for a second call; only {@code toolCall}
   * and {@code field} may be called again. Not thread-safe.
   */
  public static final class Builder {
    private final ChatRole role;
    private final Settings settings = new Settings();
    private final List<Map<String, @Nullable Object>> toolCalls = new ArrayList<>();
    private final Map<String, @Nullable Object> more = new LinkedHashMap<>();

    private Builder(ChatRole role) {
      this.role = Objects.requireNonNull(role, "role");
    }

    /**
     * Sets the text. Without a content, a message with calls of tools has the content null.
     *
     * @param content the text; may be empty
     */
    public Builder content(String content) {
      settings.set(CONTENT, content);
      return this;
    }

    /**
     * Sets the content as a list of parts, for templates that read parts; a text works with all.
     *
     * @param parts such as {@code {"type": "text", "text": "…"}}; values as in {@link #field}
     * @throws IllegalArgumentException if a value is of another type or nests more than 100 values
     */
    public Builder content(List<? extends Map<String, ? extends @Nullable Object>> parts) {
      settings.set(CONTENT, PlainData.copies("content", parts));
      return this;
    }

    /**
     * Adds a call of a tool, which the model has made: {@code tool_calls} in templates.
     *
     * @param call the call
     */
    public Builder toolCall(ToolCall call) {
      toolCalls.add(Objects.requireNonNull(call, "toolCall must not be null").fields());
      return this;
    }

    /**
     * Sets the id of the call that this message answers: {@code tool_call_id} in templates.
     *
     * @param toolCallId the id of a {@link ToolCall}
     */
    public Builder toolCallId(String toolCallId) {
      settings.set("tool_call_id", toolCallId);
      return this;
    }

    /**
     * Sets the name of the tool or of the author: {@code name} in templates.
     *
     * @param name the name
     */
    public Builder name(String name) {
      settings.set("name", name);
      return this;
    }

    /**
     * Sets what the model thought before it answered: {@code reasoning_content} in templates.
     *
     * @param reasoningContent the text; may be empty
     */
    public Builder reasoningContent(String reasoningContent) {
      settings.set("reasoning_content", reasoningContent);
      return this;
    }

    /**
     * Sets another field that a template reads.
     *
     * @param name the field's name; not that of another setter
     * @param value null, a string, boolean, number, list, or map with keys of text; copied
     * @throws IllegalArgumentException if another setter sets the field, or a value is of another
     *     type or nests more than 100 values
     */
    public Builder field(String name, @Nullable Object value) {
      Preconditions.checkArgument(
          !FIELDS.contains(Objects.requireNonNull(name, "name must not be null")),
          "%s has a setter of its own",
          name);
      more.put(name, PlainData.value(name, value));
      return this;
    }

    /**
     * Creates the message.
     *
     * @throws IllegalArgumentException if there is neither a content nor a call of a tool
     */
    public ChatMessage build() {
      Preconditions.checkArgument(
          settings.isSet(CONTENT) || !toolCalls.isEmpty(),
          "a message must have a content or a call of a tool");
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      fields.put(ROLE, role.text());
      fields.put(CONTENT, settings.find(CONTENT, Object.class));
      for (String name : List.of("name", "reasoning_content", "tool_call_id")) {
        if (settings.isSet(name)) {
          fields.put(name, settings.find(name, String.class));
        }
      }
      if (!toolCalls.isEmpty()) {
        fields.put("tool_calls", toolCalls);
      }
      fields.putAll(more);
      return new ChatMessage(PlainData.copy("message", fields));
    }
  }
}
