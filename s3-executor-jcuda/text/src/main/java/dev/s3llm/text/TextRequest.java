package dev.s3llm.text;

import com.google.common.base.Preconditions;
import dev.s3llm.GenerationRequest;
import dev.s3llm.text.template.ChatMessage;
import dev.s3llm.text.template.ChatRole;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a caller wants written: a prompt or a conversation, limits, stop strings. Whatever else a
 * {@link GenerationRequest} takes (sampling, tenant, deadline and so on) is set on its own builder:
 *
 * <pre>{@code
 * TextRequest.builder()
 *     .messages(ChatMessage.user("What is a monad?"))
 *     .stop("\n\n")
 *     .configure(request -> request.tenant("docs").deadline(Duration.ofSeconds(30)))
 *     .build();
 * }</pre>
 *
 * <p>Immutable, and thread-safe if what is passed to {@code configure} is.
 */
public final class TextRequest {
  /** The output limit where none is set, if the context has room for as many tokens. */
  public static final int DEFAULT_MAX_NEW_TOKENS = 256;

  /** The most stop strings. */
  public static final int MAX_STOP_STRINGS = 16;

  /** The most characters (UTF-16 units) of a stop string. */
  public static final int MAX_STOP_LENGTH = 256;

  private final @Nullable String prompt;
  private final List<ChatMessage> messages;
  private final int maxNewTokens;
  private final List<String> stopStrings;
  private final Consumer<GenerationRequest.Builder> configure;

  private TextRequest(Builder builder) {
    prompt = builder.prompt;
    messages = builder.messages;
    maxNewTokens = builder.maxNewTokens;
    stopStrings = List.copyOf(builder.stopStrings);
    configure = builder.configure;
  }

  /** A request with a prompt and all defaults. */
  public static TextRequest of(String prompt) {
    return builder().prompt(prompt).build();
  }

  /** Starts a request. */
  public static Builder builder() {
    return new Builder();
  }

  /** The prompt, unless there are messages. */
  public Optional<String> prompt() {
    return Optional.ofNullable(prompt);
  }

  /** The conversation, oldest first; empty if there is a prompt. */
  public List<ChatMessage> messages() {
    return messages;
  }

  /** The output limit, if one is set. */
  public OptionalInt maxNewTokens() {
    return maxNewTokens == 0 ? OptionalInt.empty() : OptionalInt.of(maxNewTokens);
  }

  /** Strings that end the answer. */
  public List<String> stopStrings() {
    return stopStrings;
  }

  /**
   * The request in tokens.
   *
   * @param maxTokens the most tokens that prompt and answer may have together
   */
  GenerationRequest tokenize(TextModel model, long maxTokens) {
    int[] tokens = prompt != null ? model.encode(prompt) : model.encode(messages);
    long left = Math.max(1, maxTokens - tokens.length);
    int limit = maxNewTokens > 0 ? maxNewTokens : (int) Math.min(DEFAULT_MAX_NEW_TOKENS, left);
    GenerationRequest.Builder builder =
        GenerationRequest.builder(tokens)
            .promptText(question())
            .maxNewTokens(limit)
            .stopTokens(model.stopTokens());
    configure.accept(builder);
    return builder.build();
  }

  /** What a length predictor reads: it was trained on what people ask, not on framed prompts. */
  private String question() {
    if (prompt != null) {
      return prompt;
    }
    for (int i = messages.size() - 1; i >= 0; i--) {
      if (messages.get(i).role() == ChatRole.USER) {
        return messages.get(i).content();
      }
    }
    return messages.get(messages.size() - 1).content();
  }

  /** Builds a request. Each setter checks its value at once. Not thread-safe. */
  public static final class Builder {
    private @Nullable String prompt;
    private List<ChatMessage> messages = List.of();
    private int maxNewTokens;
    private final List<String> stopStrings = new ArrayList<>();
    private Consumer<GenerationRequest.Builder> configure = request -> {};

    private Builder() {}

    /**
     * Sets the prompt, which the model continues as it is; the model's chat template is not
     * applied, the tokens that its tokenizer adds by itself are. Either this or messages.
     */
    public Builder prompt(String prompt) {
      this.prompt = prompt;
      return this;
    }

    /** Sets the conversation, oldest message first; the model's chat template frames it. */
    public Builder messages(List<ChatMessage> messages) {
      Preconditions.checkArgument(!messages.isEmpty(), "messages must have at least one message");
      this.messages = List.copyOf(messages);
      return this;
    }

    /** Sets the conversation, oldest message first; the model's chat template frames it. */
    public Builder messages(ChatMessage... messages) {
      return messages(List.of(messages));
    }

    /**
     * Sets the output limit; by default what is left of the context and the KV memory, but at most
     * {@link #DEFAULT_MAX_NEW_TOKENS}.
     *
     * @param maxNewTokens at least 1
     */
    public Builder maxNewTokens(int maxNewTokens) {
      Preconditions.checkArgument(
          maxNewTokens >= 1, "maxNewTokens must be at least 1, but is %s", maxNewTokens);
      this.maxNewTokens = maxNewTokens;
      return this;
    }

    /**
     * Adds a string that ends the answer and is no part of it; none by default.
     *
     * @param stopString 1 to {@link TextRequest#MAX_STOP_LENGTH} characters of well-formed UTF-16;
     *     at most {@link TextRequest#MAX_STOP_STRINGS} of them
     */
    public Builder stop(String stopString) {
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

    /** Adds strings that end the answer, each as {@link #stop(String)} does. */
    public Builder stop(List<String> stopStrings) {
      stopStrings.forEach(this::stop);
      return this;
    }

    /**
     * Sets what the request in tokens needs beside. Runs at submission, after everything else was
     * set, so that it may override that; what it throws, {@link TextGenerator#submit} throws. May
     * be called several times, and all apply in order.
     */
    public Builder configure(Consumer<GenerationRequest.Builder> configure) {
      this.configure = this.configure.andThen(configure);
      return this;
    }

    /**
     * The request.
     *
     * @throws IllegalArgumentException unless it has either a prompt or messages
     */
    public TextRequest build() {
      Preconditions.checkArgument(
          (prompt == null) != messages.isEmpty(),
          "a request needs either a prompt or messages, and not both");
      return new TextRequest(this);
    }
  }
}
