package dev.s3llm.text.template;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.tokenizer.TokenizerConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Turns a conversation into the text that a model continues. A model folder's template is Jinja, as
 * Hugging Face folders have it; it is treated as data: it reaches the messages and nothing else (no
 * file, no Java object), and its output, the time that it may take, and the size and sum of the
 * values that its expressions read and make are bounded. That bounds memory too, though not in
 * exact bytes: a hostile template may take some hundred megabytes for a while. Immutable and
 * thread-safe.
 *
 * <p>As everywhere in this format, a message that spells a special token is taken at its word:
 * whoever shows conversations of strangers to a model should know.
 */
public final class ChatTemplate {
  /** A template for models without one: the texts alone, with blank lines between them. */
  private static final ChatTemplate PLAIN = new ChatTemplate(null);

  private final @Nullable JinjaTemplate jinja;

  private ChatTemplate(@Nullable JinjaTemplate jinja) {
    this.jinja = jinja;
  }

  /**
   * The template of a model folder: {@code chat_template.jinja}, or else {@code chat_template} of
   * {@code tokenizer_config.json} (of several, the one named {@code default}), or else {@link
   * #plain}.
   *
   * @throws ModelFormatException if a file is damaged or too large
   */
  public static ChatTemplate load(Path folder) {
    return of(TokenizerConfig.read(folder));
  }

  static ChatTemplate of(TokenizerConfig config) {
    return config
        .chatTemplate()
        .map(source -> jinja(source, config.bosToken(), config.eosToken()))
        .orElse(PLAIN);
  }

  /**
   * A template of one's own, in Jinja. It sees {@code messages} (each with {@code role} and {@code
   * content}), {@code add_generation_prompt} (true), {@code bos_token} and {@code eos_token}, and
   * may call {@code raise_exception}. Mistakes in it show when it is rendered.
   *
   * @param bosToken text of the token that starts a sequence; may be empty
   * @param eosToken text of the token that ends one; may be empty
   * @throws IllegalArgumentException if the source has more than 1,048,576 characters
   */
  public static ChatTemplate jinja(String source, String bosToken, String eosToken) {
    return new ChatTemplate(new JinjaTemplate(source, bosToken, eosToken));
  }

  /**
   * For models whose tokenizer frames a prompt by itself, or that know no conversations: the texts
   * of all messages in order, earlier answers among them, joined with blank lines; roles are not
   * shown.
   */
  public static ChatTemplate plain() {
    return PLAIN;
  }

  /**
   * Whether this is {@link #plain}, so that encoding adds the special tokens of the tokenizer;
   * another template writes them itself.
   */
  public boolean isPlain() {
    return jinja == null;
  }

  /**
   * The text for a conversation, ready for the model to answer.
   *
   * @param messages oldest first, at least one
   * @throws ChatTemplateException if the template refuses the messages or cannot be rendered
   */
  public String render(List<ChatMessage> messages) {
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("messages must have at least one message");
    }
    return jinja == null
        ? messages.stream().map(ChatMessage::content).collect(Collectors.joining("\n\n"))
        : jinja.render(messages);
  }
}
