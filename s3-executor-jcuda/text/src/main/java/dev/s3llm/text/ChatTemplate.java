package dev.s3llm.text;

import com.google.common.base.Preconditions;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.gguf.GgufFile;
import dev.s3llm.text.internal.template.GgufTemplates;
import dev.s3llm.text.internal.template.ModelTemplates;
import dev.s3llm.text.internal.template.TemplateFolder;
import dev.s3llm.text.internal.template.TemplateSource;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns a conversation into the text that a model continues. The template of a model folder is
 * Jinja, as in Hugging Face folders, and is rendered as the transformers library renders it. It
 * reads the conversation and nothing else: no file, no Java object. Limits apply to its output, to
 * the time that it takes, and to the values that its expressions make. These limits count
 * characters and items, not bytes: a hostile template may use some hundred megabytes of heap for a
 * short time. Immutable and thread-safe.
 *
 * <p>The origin of each character is known, through every filter and method of the template. What
 * came from the conversation is encoded as text, so a message that spells a control token of the
 * model stays a message. Where a template frames the turns with plain text ({@link
 * #hasPlainTextFrame}), a message can still imitate a turn.
 */
public final class ChatTemplate {
  private static final Logger log = LoggerFactory.getLogger(ChatTemplate.class);
  private static final String WITH_TOOLS = "tool_use";
  private static final Clock SYSTEM = Clock.system(ZoneId.systemDefault());
  private static final ChatTemplate PLAIN = new ChatTemplate(Map.of(), Map.of(), SYSTEM, false);

  private final Map<String, NamedTemplate> templates;
  private final Map<String, Object> specialTokens;
  private final Clock clock;
  private final boolean plainTextFrame;

  /** What is known of each template, by the place where it stands. */
  private final Map<String, TemplateTraits> traits = new ConcurrentHashMap<>();

  private ChatTemplate(
      Map<String, NamedTemplate> templates,
      Map<String, Object> specialTokens,
      Clock clock,
      boolean plainTextFrame) {
    this.templates = templates;
    this.specialTokens = specialTokens;
    this.clock = clock;
    this.plainTextFrame = plainTextFrame;
  }

  /**
   * Loads the templates of a model, or returns {@link #plain} if it has none.
   *
   * <p>Of a folder: {@code chat_template.jinja} and the files of {@code additional_chat_templates},
   * those of the field {@code chat_template} of {@code tokenizer_config.json} (one, or a list of
   * named ones) that no file replaces, or else that of {@code chat_template.json}. The special
   * tokens are those of {@code tokenizer_config.json}.
   *
   * <p>Of a GGUF file: {@code tokenizer.chat_template} and, by name, {@code
   * tokenizer.chat_template.NAME}, with the special tokens of the same metadata.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @throws ModelFormatException if a file is damaged or too large
   * @throws ChatTemplateException if a template is not valid or not supported, with file, line,
   *     column, and what was expected; {@link TextModel#load(Path, ChatTemplate)} takes another one
   */
  public static ChatTemplate load(Path model) {
    if (!ModelFiles.isGguf(model)) {
      return of(TemplateFolder.read(model));
    }
    try (GgufFile file = GgufFile.open(model)) {
      return gguf(model.toString(), file.metadata());
    }
  }

  /**
   * Creates the templates of a GGUF file.
   *
   * @param file the file's name, for messages
   * @param metadata the metadata of the file, as {@link GgufFile#metadata} returns it
   * @throws ModelFormatException if a token's id or a template is not valid
   * @throws ChatTemplateException if a template is not valid or not supported, with key, line,
   *     column, and what was expected
   */
  static ChatTemplate gguf(String file, Map<String, ?> metadata) {
    return of(GgufTemplates.read(file, metadata));
  }

  private static ChatTemplate of(ModelTemplates model) {
    if (model.sources().isEmpty()) {
      return PLAIN;
    }
    Map<String, NamedTemplate> templates = new LinkedHashMap<>();
    for (TemplateSource source : model.sources()) {
      templates.put(source.name(), NamedTemplate.parse(source));
    }
    ChatTemplate template = new ChatTemplate(templates, model.specialTokens(), SYSTEM, false);
    if (!FrameProbe.isPlainText(template, model.addedTokens())) {
      return template;
    }
    log.warn(
        "{} frames turns with plain text, not with tokens of their own: a message can imitate a"
            + " turn",
        model.sources().get(0).where());
    return new ChatTemplate(templates, model.specialTokens(), template.clock, true);
  }

  /**
   * Creates a template from Jinja source. The source can use {@code messages}, {@code tools},
   * {@code documents}, {@code add_generation_prompt}, {@code bos_token}, {@code eos_token} and the
   * variables of a conversation, and can call {@code raise_exception} and {@code strftime_now}.
   *
   * @param source Jinja, at most 1,048,576 characters
   * @param bosToken text of the token that starts a sequence; may be empty
   * @param eosToken text of the token that ends a sequence; may be empty
   * @throws ChatTemplateException if the source is not valid or not supported, with line, column,
   *     and what was expected
   * @throws IllegalArgumentException if the source is too long
   */
  public static ChatTemplate jinja(String source, String bosToken, String eosToken) {
    return jinja(source, Map.of("bos_token", bosToken, "eos_token", eosToken));
  }

  /**
   * Creates a template from Jinja source, as {@link #jinja(String, String, String)} does, with any
   * special tokens.
   *
   * @param source Jinja, at most 1,048,576 characters
   * @param specialTokens texts of tokens by their names in the template, such as {@code bos_token};
   *     others are undefined
   * @throws ChatTemplateException if the source is not valid or not supported, with line, column,
   *     and what was expected
   * @throws IllegalArgumentException if the source is too long
   */
  public static ChatTemplate jinja(String source, Map<String, String> specialTokens) {
    NamedTemplate template =
        NamedTemplate.parse(
            new TemplateSource(TemplateSource.DEFAULT, "the chat template", source));
    return new ChatTemplate(
        Map.of(TemplateSource.DEFAULT, template), Map.copyOf(specialTokens), SYSTEM, false);
  }

  /**
   * Returns the template for models without one, or whose tokenizer frames a prompt by itself: the
   * texts of all messages in order, earlier answers included, joined with blank lines. Roles are
   * left out.
   */
  public static ChatTemplate plain() {
    return PLAIN;
  }

  /**
   * Returns this template with another clock for {@code strftime_now}, which some templates call to
   * write today's date.
   *
   * @param clock the time and its zone; by default that of the system
   * @throws NullPointerException if the clock is null
   */
  public ChatTemplate withClock(Clock clock) {
    Objects.requireNonNull(clock, "clock must not be null");
    return new ChatTemplate(templates, specialTokens, clock, plainTextFrame);
  }

  /**
   * Returns whether this is {@link #plain}. With it, encoding adds the special tokens of the
   * tokenizer; another template writes them itself.
   */
  public boolean isPlain() {
    return templates.isEmpty();
  }

  /**
   * Returns the names of the templates, of which {@link Conversation.Builder#template} chooses one:
   * often {@code default} alone, in some models {@code tool_use} or {@code rag} too; empty for
   * {@link #plain}.
   */
  public Set<String> names() {
    return Set.copyOf(templates.keySet());
  }

  /**
   * Returns whether the template of a loaded model separates turns by plain text, without a token
   * that the tokenizer has added to its vocabulary. A message can then imitate the turn of another
   * role, and no tokenizer can prevent it. Loading logs a warning. False for templates that were
   * not loaded with a model, because their tokens are not known.
   */
  public boolean hasPlainTextFrame() {
    return plainTextFrame;
  }

  /**
   * Returns the text of messages, ready for the model to answer.
   *
   * @param messages oldest first, at least one
   * @throws ChatTemplateException if the template refuses the messages or cannot be rendered
   * @throws IllegalArgumentException if there is no message
   */
  public String render(List<ChatMessage> messages) {
    Preconditions.checkArgument(!messages.isEmpty(), "messages must have at least one message");
    return render(Conversation.of(messages));
  }

  /**
   * Returns the text of a conversation.
   *
   * @param conversation the messages, and what else the template reads
   * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered,
   *     or if the model has no template of the name that the conversation sets
   */
  public String render(Conversation conversation) {
    return prompt(conversation).text();
  }

  /** Returns the text of a conversation and the ranges that came from it, as {@link #render}. */
  RenderedPrompt prompt(Conversation conversation) {
    if (isPlain()) {
      return joined(ToolFrame.apply(conversation, TemplateTraits.PLAIN).messages());
    }
    NamedTemplate chosen = select(conversation);
    Conversation framed =
        ToolFrame.isNeeded(conversation)
            ? ToolFrame.apply(conversation, traits(chosen))
            : conversation;
    return chosen.render(specialTokens, framed.variables(), clock);
  }

  /** Returns what the template for a conversation does with tools and reasoning. */
  TemplateTraits traits(Conversation conversation) {
    return isPlain() ? TemplateTraits.PLAIN : traits(select(conversation));
  }

  private TemplateTraits traits(NamedTemplate template) {
    return traits.computeIfAbsent(
        template.where(),
        where ->
            TemplateTraits.of(
                probe -> {
                  try {
                    return Optional.of(
                        template.render(specialTokens, probe.variables(), clock).text());
                  } catch (ChatTemplateException e) {
                    return Optional.empty(); // the template is for other conversations
                  }
                },
                template.source()));
  }

  private NamedTemplate select(Conversation conversation) {
    @Nullable NamedTemplate chosen;
    if (conversation.template().isPresent()) {
      chosen = templates.get(conversation.template().get());
    } else if (templates.size() == 1) {
      chosen = templates.values().iterator().next();
    } else if (conversation.hasTools() && templates.containsKey(WITH_TOOLS)) {
      chosen = templates.get(WITH_TOOLS);
    } else {
      chosen = templates.get(TemplateSource.DEFAULT);
    }
    if (chosen == null) {
      throw new ChatTemplateException(
          "the model has no chat template '%s': choose one of %s"
              .formatted(
                  conversation.template().orElse(TemplateSource.DEFAULT),
                  templates.keySet().stream().sorted().toList()),
          0,
          0);
    }
    return chosen;
  }

  private static RenderedPrompt joined(List<ChatMessage> messages) {
    StringBuilder text = new StringBuilder();
    IntStream.Builder ranges = IntStream.builder();
    for (int i = 0; i < messages.size(); i++) {
      text.append(i == 0 ? "" : "\n\n");
      int start = text.length();
      text.append(messages.get(i).content());
      if (start < text.length()) {
        ranges.add(start).add(text.length());
      }
    }
    return RenderedPrompt.of(text.toString(), ranges.build().toArray());
  }
}
