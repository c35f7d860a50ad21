package dev.s3llm.text;

import com.google.common.base.Preconditions;
import dev.s3llm.GenerationRequest;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.support.Settings;
import dev.s3llm.text.constraint.Grammar;
import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.AnswerParser;
import dev.s3llm.text.tool.ToolChoice;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A request in text: a prompt or a conversation, an output limit, stop strings. Everything else
 * that a {@link GenerationRequest} has (sampling, tenant, deadline and so on) is set on its own
 * builder:
 *
 * <pre>{@code
 * TextRequest.builder()
 *     .messages(ChatMessage.user("What is a monad?"))
 *     .stop("\n\n")
 *     .configure(request -> request.tenant("docs").deadline(Duration.ofSeconds(30)))
 *     .build();
 * }</pre>
 *
 * <p>Immutable, and thread-safe if the actions of {@code configure} are.
 */
public final class TextRequest {
  /** The largest number of stop strings. */
  public static final int MAX_STOP_STRINGS = 16;

  /** The largest length of a stop string in characters (UTF-16 units). */
  public static final int MAX_STOP_LENGTH = 256;

  private static final String MESSAGES = "messages";
  private static final String PROMPT_TOKENS = "promptTokens";
  private static final String LIMIT = "maxNewTokens";
  private static final String SPECIAL_TOKENS = "specialTokens";

  private final @Nullable String prompt;
  private final int @Nullable [] promptTokens;
  private final @Nullable Conversation conversation;
  private final int maxNewTokens;
  private final boolean reducible;
  private final List<String> stopStrings;
  private final boolean specialTokens;
  private final AnswerSettings answer;
  private final Consumer<GenerationRequest.Builder> configure;

  private TextRequest(Builder builder) {
    prompt = builder.settings.find("prompt", String.class);
    promptTokens = builder.settings.find(PROMPT_TOKENS, int[].class);
    conversation = builder.settings.find(MESSAGES, Conversation.class);
    maxNewTokens = builder.settings.get(LIMIT, () -> 0);
    reducible = builder.reducible;
    stopStrings = List.copyOf(builder.stopStrings);
    specialTokens = builder.settings.get(SPECIAL_TOKENS, () -> prompt != null);
    answer = AnswerSettings.of(builder.settings);
    configure = builder.configure;
  }

  /**
   * Creates a request with a prompt and default settings.
   *
   * @param prompt the text that the model continues
   * @throws NullPointerException if the prompt is null
   */
  public static TextRequest of(String prompt) {
    return builder().prompt(prompt).build();
  }

  /** Creates a builder without settings. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the prompt; empty if there are messages or the prompt's token ids. */
  public Optional<String> prompt() {
    return Optional.ofNullable(prompt);
  }

  /** Returns a copy of the prompt's token ids, if the request has them in place of a text. */
  public Optional<int[]> promptTokens() {
    return Optional.ofNullable(promptTokens).map(int[]::clone);
  }

  /** Returns the conversation, oldest message first; empty if there is a prompt. */
  public List<ChatMessage> messages() {
    return conversation == null ? List.of() : conversation.messages();
  }

  /** Returns the messages with tools, documents and variables; empty if there is a prompt. */
  public Optional<Conversation> conversation() {
    return Optional.ofNullable(conversation);
  }

  /** Returns the output limit in tokens; empty if it depends on the room that the prompt leaves. */
  public OptionalInt maxNewTokens() {
    return maxNewTokens == 0 || reducible ? OptionalInt.empty() : OptionalInt.of(maxNewTokens);
  }

  /** Returns the grammar that the answer keeps; empty if there is none. */
  public Optional<Grammar> constraint() {
    return answer.constraint();
  }

  /** Returns the strings that end the answer. */
  public List<String> stopStrings() {
    return stopStrings;
  }

  /** Returns which tools the answer may or must call. */
  public ToolChoice toolChoice() {
    return answer.toolChoice();
  }

  /** Returns whether the answer may have more than one call of a tool. */
  public boolean parallelToolCalls() {
    return answer.parallelCalls();
  }

  /**
   * A request in tokens.
   *
   * @param tokens the request
   * @param plan splits answers into their parts; null if all of them is content
   */
  record Prepared(GenerationRequest tokens, @Nullable AnswerPlan plan) {
    /** Creates the parser of one answer; null if all of it is content. */
    @Nullable AnswerParser newParser() {
      return plan == null ? null : plan.parser();
    }
  }

  /**
   * Returns the request in tokens.
   *
   * @param model encodes the prompt
   * @param maxTokens the largest number of tokens, prompt and answer together
   */
  Prepared prepare(TextModel model, long maxTokens) {
    if (conversation == null) {
      TokenConstraint rule = answer.constraint().map(model::constraint).orElse(null);
      return new Prepared(tokenize(model, encodedPrompt(model), maxTokens, rule, null), null);
    }
    AnswerPlan plan = AnswerPlan.of(model, conversation, answer);
    int[] tokens = model.encode(plan.prompt(), specialTokens);
    TokenConstraint rule = plan.constraint(model, answer);
    LengthQuery.Thinking thinking = plan.division(model, answer);
    return new Prepared(tokenize(model, tokens, maxTokens, rule, thinking), plan);
  }

  private int[] encodedPrompt(TextModel model) {
    if (promptTokens != null) {
      return promptTokens;
    }
    String text = Objects.requireNonNull(prompt);
    return specialTokens ? model.encode(text) : model.encodeText(text, true);
  }

  /** Returns the request in tokens alone. */
  GenerationRequest tokenize(TextModel model, long maxTokens) {
    return prepare(model, maxTokens).tokens();
  }

  private GenerationRequest tokenize(
      TextModel model,
      int[] tokens,
      long maxTokens,
      @Nullable TokenConstraint constraint,
      LengthQuery.@Nullable Thinking thinking) {
    int limit = limit(Math.max(1, maxTokens - tokens.length));
    GenerationRequest.Builder builder = GenerationRequest.builder(tokens);
    configure.accept(builder);
    setUnlessSet(() -> builder.promptText(question(model)));
    setUnlessSet(() -> builder.maxNewTokens(limit));
    setUnlessSet(() -> builder.stopTokens(stopTokens(model)));
    if (constraint != null) {
      builder.tokenConstraint(constraint);
    }
    Optional.ofNullable(thinking).ifPresent(t -> setUnlessSet(() -> builder.thinking(t)));
    return builder.build();
  }

  private int limit(long room) {
    if (maxNewTokens == 0) {
      return GenerationRequest.AS_MANY_AS_FIT;
    }
    return reducible ? (int) Math.min(maxNewTokens, room) : maxNewTokens;
  }

  /** Returns the stop tokens of the model, and those that stop strings name. */
  private int[] stopTokens(TextModel model) {
    IntStream named =
        stopStrings.stream().map(model.tokenizer()::addedToken).flatMapToInt(OptionalInt::stream);
    return IntStream.concat(IntStream.of(model.stopTokens()), named).sorted().distinct().toArray();
  }

  /** Calls a setter, which refuses the call if an action of {@code configure} has set the value. */
  private static void setUnlessSet(Supplier<GenerationRequest.Builder> setter) {
    try {
      var unused = setter.get();
    } catch (IllegalStateException alreadySet) {
      return; // the action's value stays
    }
  }

  /** Returns the id that the request in tokens has, or would have. */
  String id() {
    GenerationRequest.Builder builder = GenerationRequest.builder(0);
    configure.accept(builder);
    return builder.build().id();
  }

  /** Returns the text for length predictors, which are trained on questions, not framed prompts. */
  private String question(TextModel model) {
    if (promptTokens != null) {
      return model.decode(promptTokens);
    }
    if (prompt != null) {
      return prompt;
    }
    List<ChatMessage> messages = messages();
    for (int i = messages.size() - 1; i >= 0; i--) {
      if (messages.get(i).isFrom(ChatRole.USER)) {
        return messages.get(i).content();
      }
    }
    return messages.get(messages.size() - 1).content();
  }

  /**
   * Builds a {@link TextRequest}. Each setter checks its value at once: it throws {@link
   * NullPointerException} for null, and {@link IllegalStateException} naming the earlier value for
   * a second call; only {@code stop} and {@code configure} may be called again. Not thread-safe.
   */
  public static final class Builder {
    private final Settings settings = new Settings();
    private final List<String> stopStrings = new ArrayList<>();
    private boolean reducible;
    private Consumer<GenerationRequest.Builder> configure = request -> {};

    private Builder() {}

    /**
     * Sets the prompt, which the model continues as it is: the chat template is not applied, but
     * the tokenizer adds its special tokens. A request has either a prompt or messages.
     *
     * @param prompt at most 4,000,000 characters, which {@link TextGenerator#submit} checks
     */
    public Builder prompt(String prompt) {
      settings.set("prompt", prompt);
      return this;
    }

    /**
     * Sets the prompt as token ids, in place of its text. The model continues it as it is.
     *
     * @param tokens token ids, at least one; copied
     * @throws IllegalArgumentException if there is no token
     */
    public Builder promptTokens(int... tokens) {
      Objects.requireNonNull(tokens, "promptTokens must not be null");
      Preconditions.checkArgument(tokens.length > 0, "promptTokens must have at least one token");
      settings.set(PROMPT_TOKENS, tokens.clone());
      return this;
    }

    /**
     * Sets the conversation, which the model's chat template frames. A request has either a prompt
     * or messages.
     *
     * @param messages oldest first, at least one
     * @throws IllegalArgumentException if there is no message
     */
    public Builder messages(List<ChatMessage> messages) {
      Objects.requireNonNull(messages, "messages must not be null");
      return conversation(Conversation.of(messages));
    }

    /**
     * Sets the conversation, which the model's chat template frames. A request has either a prompt
     * or messages.
     *
     * @param messages oldest first, at least one
     * @throws IllegalArgumentException if there is no message
     */
    public Builder messages(ChatMessage... messages) {
      return messages(List.of(messages));
    }

    /**
     * Sets the conversation with tools, documents and variables, which the model's chat template
     * frames. A request has either a prompt or messages.
     *
     * @param conversation at least one message, and what else the template reads
     * @throws IllegalArgumentException if there is no message
     */
    public Builder conversation(Conversation conversation) {
      Objects.requireNonNull(conversation, "conversation must not be null");
      Preconditions.checkArgument(
          !conversation.messages().isEmpty(), "messages must have at least one message");
      settings.set(MESSAGES, conversation);
      return this;
    }

    /**
     * Sets whether special tokens that the prompt, or the messages, spell are recognised. By
     * default they are recognised in a prompt, which the application may have framed itself, but
     * not in messages, where they could forge turns. Set it to false for a prompt that users wrote.
     *
     * @param recognized whether they are recognised
     * @throws IllegalStateException if it was set before
     */
    public Builder specialTokens(boolean recognized) {
      settings.set(SPECIAL_TOKENS, recognized);
      return this;
    }

    /**
     * Sets the output limit. By default an answer may be as long as the context and the KV memory
     * allow ({@link GenerationRequest#AS_MANY_AS_FIT}).
     *
     * @param maxNewTokens in tokens, at least 1; refused by {@link TextGenerator#submit} if there
     *     is no room for as many
     * @throws IllegalArgumentException if the limit is below 1
     */
    public Builder maxNewTokens(int maxNewTokens) {
      settings.setAtLeast(LIMIT, maxNewTokens, 1);
      return this;
    }

    /**
     * Sets the output limit, in place of {@link #maxNewTokens(int)}, to the room that the prompt
     * leaves in the context and the KV memory, but to this many tokens at most.
     *
     * @param most in tokens, at least 1
     * @throws IllegalArgumentException if it is below 1
     */
    public Builder maxNewTokensThatFit(int most) {
      settings.setAtLeast(LIMIT, most, 1);
      reducible = true;
      return this;
    }

    /**
     * Adds a string that ends the answer and is not part of it; none by default. It may be a
     * special token of the model, such as {@code <|im_end|>}, or contain one. A stop string that is
     * complete within the first {@link GenerationRequest.Builder#minTokens minTokens} tokens does
     * not end the answer, and stays in the text.
     *
     * @param stopString 1 to {@link TextRequest#MAX_STOP_LENGTH} characters of well-formed UTF-16;
     *     at most {@link TextRequest#MAX_STOP_STRINGS} strings
     * @throws IllegalArgumentException if the string is not valid, or there are too many
     */
    public Builder stop(String stopString) {
      Objects.requireNonNull(stopString, "stop must not be null");
      Preconditions.checkArgument(
          !stopString.isEmpty() && stopString.length() <= MAX_STOP_LENGTH,
          "a stop string must have 1 to %s characters, but has %s",
          MAX_STOP_LENGTH,
          stopString.length());
      Preconditions.checkArgument(
          StandardCharsets.UTF_16.newEncoder().canEncode(stopString),
          "a stop string must not hold half a surrogate pair");
      Preconditions.checkArgument(
          stopStrings.size() < MAX_STOP_STRINGS,
          "there may be at most %s stop strings",
          MAX_STOP_STRINGS);
      stopStrings.add(stopString);
      return this;
    }

    /**
     * Adds strings that end the answer, each as {@link #stop(String)} does.
     *
     * @param stopStrings none or more
     * @throws IllegalArgumentException if a string is not valid, or there are too many
     */
    public Builder stop(List<String> stopStrings) {
      Objects.requireNonNull(stopStrings, "stop must not be null");
      stopStrings.forEach(this::stop);
      return this;
    }

    /**
     * Sets which tools of the conversation the answer may or must call; {@link ToolChoice#auto} by
     * default.
     *
     * @param choice the rule
     */
    public Builder toolChoice(ToolChoice choice) {
      settings.set(AnswerSettings.TOOL_CHOICE, choice);
      return this;
    }

    /**
     * Sets whether an answer may have more than one call; true by default. Without it, the first
     * call ends the answer.
     *
     * @param parallel false for one call at most
     */
    public Builder parallelToolCalls(boolean parallel) {
      settings.set(AnswerSettings.PARALLEL, parallel);
      return this;
    }

    /**
     * Sets whether the model thinks before it answers; by default as the model's template decides.
     * The template's own switch is used if it has one. Without a switch, false closes the reasoning
     * in the prompt, if the model has markers for it, and true has no effect.
     *
     * @param thinking whether the model thinks
     */
    public Builder thinking(boolean thinking) {
      settings.set(AnswerSettings.THINKING, thinking);
      return this;
    }

    /**
     * Sets the largest number of tokens of the reasoning; without limit by default. After as many
     * tokens the reasoning is closed, and the model answers. Without an effect on models that do
     * not think.
     *
     * @param tokens 0 or more
     * @throws IllegalArgumentException if the number is below 0
     */
    public Builder thinkingBudget(int tokens) {
      settings.setAtLeast(AnswerSettings.BUDGET, tokens, 0);
      return this;
    }

    /**
     * Sets how the model writes calls and reasoning; by default the format that the model's chat
     * template shows. {@link AnswerFormat#RAW} leaves everything in the text.
     *
     * @param format the format
     */
    public Builder answerFormat(AnswerFormat format) {
      settings.set(AnswerSettings.FORMAT, format);
      return this;
    }

    /**
     * Sets what the answer must be like: JSON, a JSON schema, a choice and so on. The masks of the
     * grammar are made once for all requests with an equal grammar. Stop strings still end the
     * answer, so that an answer with one may be cut off. The grammar applies to the content: behind
     * the reasoning of a model that thinks. In a conversation with tools, an answer either calls
     * tools or keeps the grammar. With {@link AnswerFormat#HARMONY}, an answer with a grammar has
     * no calls of tools.
     *
     * @param grammar made by {@link dev.s3llm.text.constraint.Constraints}. {@link
     *     TextGenerator#submit} throws {@link IllegalArgumentException} if the model's tokens
     *     cannot spell any of its texts
     * @throws IllegalStateException if it was set before
     */
    public Builder constraint(Grammar grammar) {
      settings.set(AnswerSettings.CONSTRAINT, grammar);
      return this;
    }

    /**
     * Adds an action on the builder of the request in tokens. {@link TextGenerator#submit} runs all
     * actions, in order; it throws what an action throws. An action may set prompt text, output
     * limit and stop tokens too; its values then replace those of this request and of the model.
     *
     * @param configure sets what the request in tokens needs
     */
    public Builder configure(Consumer<GenerationRequest.Builder> configure) {
      Objects.requireNonNull(configure, "configure must not be null");
      this.configure = this.configure.andThen(configure);
      return this;
    }

    /**
     * Creates the request.
     *
     * @throws IllegalArgumentException unless there is exactly one of a prompt, the prompt's token
     *     ids and messages
     */
    public TextRequest build() {
      Preconditions.checkArgument(
          Stream.of("prompt", PROMPT_TOKENS, MESSAGES).filter(settings::isSet).count() == 1,
          "a request needs either a prompt or messages, and not both");
      return new TextRequest(this);
    }
  }
}
