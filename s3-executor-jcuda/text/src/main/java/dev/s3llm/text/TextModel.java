package dev.s3llm.text;

import com.google.common.base.Preconditions;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.gguf.GgufFile;
import dev.s3llm.text.constraint.Grammar;
import dev.s3llm.text.constraint.TokenVocabulary;
import dev.s3llm.text.internal.template.SpecialTokens;
import dev.s3llm.text.internal.tokenizer.GgufTokenizer;
import dev.s3llm.text.internal.tokenizer.TextTokenizer;
import dev.s3llm.text.tool.AnswerFormat;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The text side of a model: tokenizer, chat template, the tokens that end an answer, the context's
 * length. Needs no weights. Immutable and thread-safe; {@link #close} waits for calls in progress,
 * and later calls throw {@link IllegalStateException}.
 */
public final class TextModel implements AutoCloseable {
  private final TextTokenizer tokenizer;
  private final ChatTemplate template;
  private final int[] stopTokens;
  private final int maxContextTokens;
  private final int vocabularySize;

  /** Held while {@link #vocabulary} is created. */
  private final ReentrantLock creating = new ReentrantLock();

  private volatile @Nullable TokenVocabulary vocabulary;

  private TextModel(
      TextTokenizer tokenizer, ChatTemplate template, int[] stopTokens, ModelConfig config) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.stopTokens = stopTokens;
    this.maxContextTokens = config.maxContextTokens();
    this.vocabularySize = config.vocabularySize();
  }

  /**
   * Loads a model. Of a Hugging Face folder: {@code config.json} and {@code tokenizer.json}, and if
   * present {@code generation_config.json}, {@code tokenizer_config.json} and the chat templates.
   * Of a GGUF file: its metadata.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @throws ModelFormatException if a file is missing or damaged
   * @throws ChatTemplateException if a chat template is not valid or not supported
   */
  public static TextModel load(Path model) {
    if (!ModelFiles.isGguf(model)) {
      return load(model, ChatTemplate.load(model));
    }
    try (GgufFile file = GgufFile.open(model)) {
      ChatTemplate template = ChatTemplate.gguf(model.toString(), file.metadata());
      return gguf(ModelConfig.read(model), file, template);
    }
  }

  /**
   * Loads a model with another chat template than its own, which is not read.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @param template turns conversations into prompts
   * @throws ModelFormatException if a file is missing or damaged
   */
  public static TextModel load(Path model, ChatTemplate template) {
    ModelConfig config = ModelConfig.read(model);
    if (!ModelFiles.isGguf(model)) {
      return of(config, TextTokenizer.load(model), template, own -> ends(model, own));
    }
    try (GgufFile file = GgufFile.open(model)) {
      return gguf(config, file, template);
    }
  }

  /** Creates the text side of a GGUF file, whose metadata is read once for all of it. */
  private static TextModel gguf(ModelConfig config, GgufFile file, ChatTemplate template) {
    String name = file.path().toString();
    return of(
        config,
        TextTokenizer.openGguf(name, file.metadata()),
        template,
        tokenizer -> IntStream.of(GgufTokenizer.endTokens(name, file.metadata())));
  }

  private static TextModel of(
      ModelConfig config,
      TextTokenizer tokenizer,
      ChatTemplate template,
      Function<TextTokenizer, IntStream> ends) {
    try {
      int[] stops =
          IntStream.concat(IntStream.of(config.stopTokens()), ends.apply(tokenizer))
              .sorted()
              .distinct()
              .toArray();
      return new TextModel(tokenizer, template, stops, config);
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  /** Returns the token that ends a sequence by the tokenizer's own files. */
  private static IntStream ends(Path model, TextTokenizer tokenizer) {
    String eosToken = SpecialTokens.readEosToken(model);
    int[] eos = eosToken.isEmpty() ? new int[0] : tokenizer.encode(eosToken, false);
    return eos.length == 1 ? IntStream.of(eos) : IntStream.empty();
  }

  TextTokenizer tokenizer() {
    return tokenizer;
  }

  /** Returns the number of tokens that the model's weights have. */
  int vocabularySize() {
    return vocabularySize;
  }

  /** Returns the template that turns conversations into prompts. */
  public ChatTemplate chatTemplate() {
    return template;
  }

  /**
   * Returns a copy of the token ids that end an answer, ascending: those of the configuration, and
   * the tokenizer's own: its end of sequence, and in a GGUF file also its ends of turns.
   */
  public int[] stopTokens() {
    return stopTokens.clone();
  }

  /**
   * Returns the bytes of the model's tokens, over which grammars are compiled. The first call takes
   * some hundred milliseconds for a large vocabulary. Control tokens have no bytes.
   *
   * @throws IllegalArgumentException if the tokenizer's decoder is not known (word pieces, say)
   */
  public TokenVocabulary vocabulary() {
    TokenVocabulary known = vocabulary;
    if (known != null) {
      return known;
    }
    creating.lock();
    try {
      TokenVocabulary created = vocabulary;
      if (created == null) {
        created = TokenVocabulary.of(tokenizer.tokenBytes(vocabularySize));
        vocabulary = created;
      }
      return created;
    } finally {
      creating.unlock();
    }
  }

  /**
   * Returns a grammar as a constraint of the model's tokens. Equal grammars share a constraint, as
   * {@link Grammar#compile} describes.
   *
   * @param grammar what an answer must be like
   * @throws IllegalArgumentException if no text keeps the grammar, or as {@link #vocabulary} does
   */
  public TokenConstraint constraint(Grammar grammar) {
    Objects.requireNonNull(grammar, "grammar must not be null");
    return grammar.compile(vocabulary());
  }

  /**
   * Returns how the model writes calls of tools and reasoning, as its chat template shows.
   *
   * @param conversation a conversation; templates of some models have a form of their own for
   *     conversations with tools
   * @throws ChatTemplateException if the model has no template for such a conversation
   */
  public AnswerFormat answerFormat(Conversation conversation) {
    return template.traits(conversation).format();
  }

  /** Returns the number of tokens that the model was made for, prompt and answer together. */
  public int maxContextTokens() {
    return maxContextTokens;
  }

  /**
   * Returns the token ids of a prompt, with the special tokens that the tokenizer adds. Special
   * tokens that the prompt spells are recognised, so that an application can frame a prompt itself.
   * Use {@link #encodeText} for a text of users.
   *
   * @param prompt at most 4,000,000 characters
   * @throws IllegalArgumentException if the prompt is longer
   * @throws IllegalStateException if the model is closed
   */
  public int[] encode(String prompt) {
    return encode(prompt, true);
  }

  /**
   * Returns the token ids of a text.
   *
   * @param text at most 4,000,000 characters
   * @param addSpecialTokens whether the tokenizer adds its special tokens; false for text that a
   *     chat template has framed. Special tokens that the text itself spells are recognised in
   *     either case
   * @throws IllegalArgumentException if the text is longer
   * @throws IllegalStateException if the model is closed
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    return tokenizer.encode(text, addSpecialTokens);
  }

  /**
   * Returns the token ids of a text of which nothing is recognised as a special or added token: a
   * text that spells a control token becomes plain text.
   *
   * @param text at most 4,000,000 characters
   * @param addSpecialTokens whether the tokenizer adds its special tokens
   * @throws IllegalArgumentException if the text is longer
   * @throws IllegalStateException if the model is closed
   */
  public int[] encodeText(String text, boolean addSpecialTokens) {
    return tokenizer.encodeText(text, addSpecialTokens);
  }

  /**
   * Returns the token ids of a conversation, framed by the chat template. What came from the
   * messages is plain text: a message that spells a control token cannot forge a turn. No special
   * token is added twice: the tokenizer adds its own only to a plain template.
   *
   * @param messages oldest first, at least one
   * @throws ChatTemplateException if the template refuses the messages or cannot be rendered
   * @throws IllegalArgumentException if there is no message, or the prompt is too long
   * @throws IllegalStateException if the model is closed
   */
  public int[] encode(List<ChatMessage> messages) {
    Preconditions.checkArgument(!messages.isEmpty(), "messages must have at least one message");
    return encode(Conversation.of(messages));
  }

  /**
   * Returns the token ids of a conversation with tools, documents or variables, as {@link
   * #encode(List)} does.
   *
   * @param conversation the messages, and what else the template reads
   * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered
   * @throws IllegalArgumentException if a content has a part that is no text, or the prompt is too
   *     long
   * @throws IllegalStateException if the model is closed
   */
  public int[] encode(Conversation conversation) {
    return encode(conversation, false);
  }

  /**
   * Returns the token ids of a conversation, as {@link #encode(Conversation)} does.
   *
   * @param conversation the messages, and what else the template reads
   * @param specialTokensInMessages whether special tokens that messages spell are recognised; true
   *     only for messages that the application wrote itself, since they can forge turns
   * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered
   * @throws IllegalArgumentException if a content has a part that is no text, or the prompt is too
   *     long
   * @throws IllegalStateException if the model is closed
   */
  public int[] encode(Conversation conversation, boolean specialTokensInMessages) {
    conversation.requireText();
    return encode(template.prompt(conversation), specialTokensInMessages);
  }

  /** Returns the token ids of a prompt that the template has made. */
  int[] encode(RenderedPrompt prompt, boolean specialTokensInMessages) {
    return specialTokensInMessages
        ? tokenizer.encode(prompt.text(), template.isPlain())
        : tokenizer.encode(
            prompt.text(), template.isPlain(), prompt.foreignStarts(), prompt.foreignEnds());
  }

  /**
   * Returns the text of token ids, without special tokens.
   *
   * @param tokens token ids; unknown ones are left out
   * @throws IllegalStateException if the model is closed
   */
  public String decode(int... tokens) {
    return tokenizer.decode(tokens);
  }

  /**
   * Returns the bytes that a token adds to a decoded text. A token may have a part of a character,
   * which {@link #decode} returns as U+FFFD.
   *
   * @param token a token id
   * @return a new array; empty for control tokens, unknown ids, and tokenizers whose decoder is not
   *     known (word pieces, say)
   */
  public byte[] tokenBytes(int token) {
    return tokenizer.bytesOf(token);
  }

  /** Releases the tokenizer after calls in progress. Idempotent. */
  @Override
  public void close() {
    tokenizer.close();
  }
}
