package dev.s3llm.text;

import com.google.common.base.Preconditions;
import dev.s3llm.support.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a chat template turns into a prompt: messages, and if the template reads them, tools,
 * documents and variables.
 *
 * <pre>{@code
 * Conversation.builder(ChatMessage.user("What is the weather in Paris?"))
 *     .tools(List.of(weatherSchema))
 *     .variable("enable_thinking", false)
 *     .build();
 * }</pre>
 *
 * <p>Nothing here can become a control token of the model: texts of messages, tools, documents and
 * variables are encoded as text, whatever they spell. Immutable and thread-safe.
 */
public final class Conversation {
  private static final String TOOLS = "tools";
  private static final String DOCUMENTS = "documents";
  private static final String GENERATION_PROMPT = "add_generation_prompt";
  private static final Set<String> OWN_SETTERS =
      Set.of("messages", TOOLS, DOCUMENTS, GENERATION_PROMPT);

  private final List<ChatMessage> messages;
  private final Map<String, @Nullable Object> variables;
  private final @Nullable String template;

  private Conversation(
      List<ChatMessage> messages,
      Map<String, @Nullable Object> variables,
      @Nullable String template) {
    this.messages = messages;
    this.variables = variables;
    this.template = template;
  }

  private Conversation(Builder builder) {
    messages = builder.messages;
    template = builder.settings.find("template", String.class);
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    all.put("messages", messages.stream().map(ChatMessage::variables).toList());
    all.put(TOOLS, builder.settings.find(TOOLS, List.class));
    all.put(DOCUMENTS, builder.settings.find(DOCUMENTS, List.class));
    if (builder.generationPromptDefined) {
      all.put(GENERATION_PROMPT, builder.settings.get(GENERATION_PROMPT, () -> true));
    }
    all.putAll(builder.variables);
    variables = all;
  }

  /**
   * Creates a conversation of messages alone.
   *
   * @param messages oldest first
   * @throws NullPointerException if a message is null
   */
  public static Conversation of(List<ChatMessage> messages) {
    return builder(messages).build();
  }

  /**
   * Creates a builder.
   *
   * @param messages oldest first
   * @throws NullPointerException if a message is null
   */
  public static Builder builder(List<ChatMessage> messages) {
    return new Builder(List.copyOf(messages));
  }

  /**
   * Creates a builder.
   *
   * @param messages oldest first
   * @throws NullPointerException if a message is null
   */
  public static Builder builder(ChatMessage... messages) {
    return builder(List.of(messages));
  }

  /** Returns the messages, oldest first. */
  public List<ChatMessage> messages() {
    return messages;
  }

  /** Returns the name of the template that renders this conversation; empty if none is set. */
  public Optional<String> template() {
    return Optional.ofNullable(template);
  }

  /** Returns whether there are tools; none of them is a list, too. */
  boolean hasTools() {
    return variables.get(TOOLS) != null;
  }

  /** Returns the tools; none if there are none. */
  List<?> tools() {
    return variables.get(TOOLS) instanceof List<?> tools ? tools : List.of();
  }

  /** Returns whether a variable has been set. */
  boolean hasVariable(String name) {
    return variables.containsKey(name);
  }

  /** Returns this conversation with other messages. */
  Conversation withMessages(List<ChatMessage> messages) {
    Map<String, @Nullable Object> changed = new LinkedHashMap<>(variables);
    changed.put("messages", messages.stream().map(ChatMessage::variables).toList());
    return new Conversation(List.copyOf(messages), changed, template);
  }

  /** Returns this conversation with another value of a variable. */
  Conversation with(String name, @Nullable Object value) {
    Map<String, @Nullable Object> changed = new LinkedHashMap<>(variables);
    changed.put(name, value);
    return new Conversation(messages, changed, template);
  }

  /** Returns this conversation without tools. */
  Conversation withoutTools() {
    return with(TOOLS, null);
  }

  /** Returns all that a template sees beside its special tokens. */
  Map<String, @Nullable Object> variables() {
    return variables;
  }

  /**
   * Checks that every part of a content is text.
   *
   * @throws IllegalArgumentException if a part is of another type, such as an image
   */
  void requireText() {
    for (int i = 0; i < messages.size(); i++) {
      if (!(messages.get(i).fields().get("content") instanceof List<?> parts)) {
        continue;
      }
      for (Object part : parts) {
        Object type = part instanceof Map<?, ?> map ? map.get("type") : part;
        Preconditions.checkArgument(
            "text".equals(type),
            "messages[%s] has a part of type %s, but a model here reads parts of type text only",
            i,
            type);
      }
    }
  }

  /**
   * Builds a {@link Conversation}. Each setter throws {@link NullPointerException} for null, and
   * {@link IllegalStateException} naming the earlier value for a second call; {@code variable} may
   * be called again with another name. Not thread-safe.
   */
  public static final class Builder {
    private final List<ChatMessage> messages;
    private final Settings settings = new Settings();
    private final Map<String, @Nullable Object> variables = new LinkedHashMap<>();
    private boolean generationPromptDefined = true;

    private Builder(List<ChatMessage> messages) {
      this.messages = messages;
    }

    /**
     * Sets the tools that the model may call; none by default. A template named {@code tool_use}
     * then renders the conversation, if the model has one and no other is set.
     *
     * @param tools JSON schemas in the form of the OpenAI protocol, such as {@code {"type":
     *     "function", "function": {"name": …, "description": …, "parameters": …}}}; copied
     * @throws IllegalArgumentException if a value is not plain data or nests more than 100 values
     */
    public Builder tools(List<? extends Map<String, ? extends @Nullable Object>> tools) {
      settings.set(TOOLS, PlainData.copies(TOOLS, tools));
      return this;
    }

    /**
     * Sets the documents that the model may cite; none by default.
     *
     * @param documents maps with the keys that the template reads, often {@code title} and {@code
     *     text}; copied
     * @throws IllegalArgumentException if a value is not plain data or nests more than 100 values
     */
    public Builder documents(List<? extends Map<String, ? extends @Nullable Object>> documents) {
      settings.set(DOCUMENTS, PlainData.copies(DOCUMENTS, documents));
      return this;
    }

    /**
     * Sets a variable that the template reads, such as {@code enable_thinking}; undefined by
     * default. A special token's name, such as {@code bos_token}, replaces that of the model.
     *
     * @param name the name in the template; not one that another setter sets
     * @param value null, a string, boolean, number, list, or map with keys of text; copied
     * @throws IllegalArgumentException if another setter sets the variable, or a value is not plain
     *     data or nests more than 100 values
     */
    public Builder variable(String name, @Nullable Object value) {
      Objects.requireNonNull(name, "name must not be null");
      Preconditions.checkArgument(
          !OWN_SETTERS.contains(name), "%s is no free variable: it is set by another setter", name);
      Preconditions.checkState(!variables.containsKey(name), "%s was already set", name);
      variables.put(name, PlainData.value(name, value));
      return this;
    }

    /**
     * Sets whether the prompt ends with the beginning of an answer; true by default.
     *
     * @param add false to render the messages alone
     */
    public Builder addGenerationPrompt(boolean add) {
      settings.set(GENERATION_PROMPT, add);
      return this;
    }

    /**
     * Leaves {@code add_generation_prompt} undefined, which a few templates distinguish from false.
     */
    public Builder withoutGenerationPromptVariable() {
      generationPromptDefined = false;
      return this;
    }

    /**
     * Sets the name of the template, of a model that has several; by default {@code tool_use} where
     * there are tools and the model has one of that name, and else {@code default}.
     *
     * @param name one of {@link ChatTemplate#names}
     */
    public Builder template(String name) {
      settings.set("template", name);
      return this;
    }

    /** Creates the conversation. */
    public Conversation build() {
      return new Conversation(this);
    }
  }
}
