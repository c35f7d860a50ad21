package dev.s3llm.text;

import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.template.ChatMessage;
import dev.s3llm.text.template.ChatTemplate;
import dev.s3llm.text.template.ChatTemplateException;
import dev.s3llm.text.tokenizer.TextTokenizer;
import dev.s3llm.text.tokenizer.TokenizerConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a model folder says about text: tokenizer, chat template, the tokens that end an answer, the
 * context's length. Needs no weights. Immutable and thread-safe; closing waits for calls under way.
 */
public final class TextModel implements AutoCloseable {
  private final TextTokenizer tokenizer;
  private final ChatTemplate template;
  private final int[] stopTokens;
  private final int maxContextTokens;

  private TextModel(
      TextTokenizer tokenizer, ChatTemplate template, int[] stopTokens, int maxContextTokens) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.stopTokens = stopTokens;
    this.maxContextTokens = maxContextTokens;
  }

  /**
   * Loads a Hugging Face folder: {@code config.json}, {@code tokenizer.json}, and where there are
   * such files {@code generation_config.json}, {@code tokenizer_config.json} and {@code
   * chat_template.jinja}.
   *
   * @throws ModelFormatException if a file is missing or damaged
   */
  public static TextModel load(Path folder) {
    return load(folder, ChatTemplate.load(folder));
  }

  /**
   * Loads a folder, but for its chat template, which is not even read.
   *
   * @throws ModelFormatException if a file is missing or damaged
   */
  public static TextModel load(Path folder, ChatTemplate template) {
    ModelConfig config = ModelConfig.read(folder);
    String eosToken = TokenizerConfig.readEosToken(folder);
    TextTokenizer tokenizer = TextTokenizer.load(folder);
    try {
      int[] eos = eosToken.isEmpty() ? new int[0] : tokenizer.encode(eosToken, false);
      IntStream more = eos.length == 1 ? IntStream.of(eos) : IntStream.empty();
      int[] stops =
          IntStream.concat(IntStream.of(config.stopTokens()), more).sorted().distinct().toArray();
      return new TextModel(tokenizer, template, stops, config.maxContextTokens());
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  /** Text to tokens and back. Closed with the model. */
  public TextTokenizer tokenizer() {
    return tokenizer;
  }

  /** How conversations become prompts. */
  public ChatTemplate chatTemplate() {
    return template;
  }

  /**
   * Token ids that end an answer, ascending; a copy. Those of the configuration, and the
   * tokenizer's own end of sequence.
   */
  public int[] stopTokens() {
    return stopTokens.clone();
  }

  /** Positions the model was made for. */
  public int maxContextTokens() {
    return maxContextTokens;
  }

  /** Token ids of a prompt, with the special tokens that the tokenizer adds. */
  public int[] encode(String prompt) {
    return tokenizer.encode(prompt);
  }

  /**
   * Token ids of a conversation that the chat template has framed. No special token is added twice:
   * the tokenizer adds its own only to a plain template.
   *
   * @throws ChatTemplateException if the template refuses the messages or cannot be rendered
   */
  public int[] encode(List<ChatMessage> messages) {
    return tokenizer.encode(template.render(messages), template.isPlain());
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
