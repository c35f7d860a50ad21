package dev.s3llm.text;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.internal.template.JinjaTemplate;
import dev.s3llm.text.internal.template.TemplateException;
import dev.s3llm.text.internal.tokenizer.TokenizerConfig;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Turns a conversation into the text that a model continues. The template of a model folder is
 * Jinja, as in Hugging Face folders. It reads the messages and nothing else: no file, no Java
 * object. Limits apply to its output, to the time that it takes, and to the values that its
 * expressions read and make, each and all together. These limits count characters and items, not
 * bytes: a hostile template may use some hundred megabytes of heap for a short time. Immutable and
 * thread-safe.
 *
 * <p>A message that spells a special token of the model is encoded as that token, as everywhere in
 * this format. Remove such spellings from messages of users whom you do not trust.
 */
public final class ChatTemplate {
  private static final ChatTemplate PLAIN = new ChatTemplate(null);

  private final @Nullable JinjaTemplate jinja;

  private ChatTemplate(@Nullable JinjaTemplate jinja) {
    this.jinja = jinja;
  }

  /**
   * Loads the template of a model folder: {@code chat_template.jinja}, or else {@code
   * chat_template} of {@code tokenizer_config.json} (of several, the one named {@code default}), or
   * else {@link #plain}.
   *
   * @param folder a Hugging Face folder
   * @throws ModelFormatException if a file is damaged or too large
   */
  public static ChatTemplate load(Path folder) {
    TokenizerConfig config = TokenizerConfig.read(folder);
    return config
        .chatTemplate()
        .map(source -> jinja(source, config.bosToken(), config.eosToken()))
        .orElse(PLAIN);
  }

  /**
   * Creates a template from Jinja source. The source can use {@code messages} (each with {@code
   * role} and {@code content}), {@code add_generation_prompt} (true), {@code bos_token} and {@code
   * eos_token}, and can call {@code raise_exception}. Mistakes in it show when it is rendered.
   *
   * @param source Jinja, at most 1,048,576 characters
   * @param bosToken text of the token that starts a sequence; may be empty
   * @param eosToken text of the token that ends a sequence; may be empty
   * @throws IllegalArgumentException if the source is too long
   */
  public static ChatTemplate jinja(String source, String bosToken, String eosToken) {
    return new ChatTemplate(new JinjaTemplate(source, bosToken, eosToken));
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
   * Returns whether this is {@link #plain}. With it, encoding adds the special tokens of the
   * tokenizer; another template writes them itself.
   */
  public boolean isPlain() {
    return jinja == null;
  }

  /**
   * Returns the text of a conversation, ready for the model to answer.
   *
   * @param messages oldest first, at least one
   * @throws ChatTemplateException if the template refuses the messages or cannot be rendered
   * @throws IllegalArgumentException if there is no message
   */
  public String render(List<ChatMessage> messages) {
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("messages must have at least one message");
    }
    if (jinja == null) {
      return messages.stream().map(ChatMessage::content).collect(Collectors.joining("\n\n"));
    }
    try {
      return jinja.render(messages.stream().map(ChatTemplate::variables).toList());
    } catch (TemplateException e) {
      throw new ChatTemplateException(e.getMessage(), e.getCause());
    }
  }

  private static Map<String, Object> variables(ChatMessage message) {
    Map<String, Object> variables = new LinkedHashMap<>();
    variables.put("role", message.role().text());
    variables.put("content", message.content());
    return variables;
  }
}
