package dev.s3llm.springai;

import dev.s3llm.text.tool.ToolChoice;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;

/**
 * Spring AI's options with those of the engine and of the model's answers. An option that is not
 * set is null, and the default that its setter names applies. Values are checked when a request
 * uses them: an {@link IllegalArgumentException} names the option. Immutable.
 */
public final class S3ChatOptions extends DefaultToolCallingChatOptions
    implements StructuredOutputChatOptions {
  private static final String OUTPUT_SCHEMA = "outputSchema";
  private static final String MIN_P = "minP";
  private static final String REPETITION_PENALTY = "repetitionPenalty";
  private static final String SEED = "seed";
  private static final String LOGIT_BIAS = "logitBias";
  private static final String MIN_TOKENS = "minTokens";
  private static final String LOG_PROBABILITIES = "logProbabilities";
  private static final String THINKING = "thinking";
  private static final String THINKING_BUDGET = "thinkingBudget";
  private static final String TOOL_CHOICE = "toolChoice";
  private static final String PARALLEL_TOOL_CALLS = "parallelToolCalls";
  private static final String STRICT_TOOLS = "strictTools";
  private static final String TENANT = "tenant";
  private static final String PRIORITY = "priority";
  private static final String DEADLINE = "deadline";

  /** The options that Spring AI's options do not have, by name. */
  private final Map<String, Object> own;

  private S3ChatOptions(ToolCallingChatOptions base, Map<String, Object> own) {
    super(
        base.getToolCallbacks(),
        base.getToolContext(),
        base.getModel(),
        base.getFrequencyPenalty(),
        base.getMaxTokens(),
        base.getPresencePenalty(),
        base.getStopSequences(),
        base.getTemperature(),
        base.getTopK(),
        base.getTopP());
    this.own = new TreeMap<>(own);
  }

  /**
   * Returns a builder without any option set.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns options with the values of any others. */
  static S3ChatOptions of(ChatOptions options) {
    return options instanceof S3ChatOptions known ? known : copy(options).build();
  }

  private static Builder copy(ChatOptions options) {
    Builder builder =
        builder()
            .model(options.getModel())
            .frequencyPenalty(options.getFrequencyPenalty())
            .maxTokens(options.getMaxTokens())
            .presencePenalty(options.getPresencePenalty())
            .stopSequences(options.getStopSequences())
            .temperature(options.getTemperature())
            .topK(options.getTopK())
            .topP(options.getTopP());
    if (options instanceof ToolCallingChatOptions calling) {
      builder.toolCallbacks(calling.getToolCallbacks()).toolContext(calling.getToolContext());
    }
    if (options instanceof StructuredOutputChatOptions structured) {
      builder.outputSchema(structured.getOutputSchema());
    }
    return builder;
  }

  @Override
  public Builder mutate() {
    Builder builder = copy(this);
    builder.own.putAll(own);
    return builder;
  }

  @Override
  public @Nullable String getOutputSchema() {
    return (String) own.get(OUTPUT_SCHEMA);
  }

  /**
   * Returns the min-p.
   *
   * @return null if it is not set
   */
  public @Nullable Double getMinP() {
    return (Double) own.get(MIN_P);
  }

  /**
   * Returns the penalty of tokens that occurred.
   *
   * @return null if it is not set
   */
  public @Nullable Double getRepetitionPenalty() {
    return (Double) own.get(REPETITION_PENALTY);
  }

  /**
   * Returns the seed of the random draws.
   *
   * @return null if it is not set
   */
  public @Nullable Long getSeed() {
    return (Long) own.get(SEED);
  }

  /**
   * Returns the biases by token id.
   *
   * @return null if it is not set
   */
  @SuppressWarnings("unchecked") // set by the builder with this type
  public @Nullable Map<Integer, Double> getLogitBias() {
    return (Map<Integer, Double>) own.get(LOGIT_BIAS);
  }

  /**
   * Returns the least length.
   *
   * @return null if it is not set
   */
  public @Nullable Integer getMinTokens() {
    return (Integer) own.get(MIN_TOKENS);
  }

  /**
   * Returns the number of alternatives with log probabilities.
   *
   * @return null if it is not set
   */
  public @Nullable Integer getLogProbabilities() {
    return (Integer) own.get(LOG_PROBABILITIES);
  }

  /**
   * Returns whether the model thinks.
   *
   * @return null if it is not set
   */
  public @Nullable Boolean getThinking() {
    return (Boolean) own.get(THINKING);
  }

  /**
   * Returns the largest number of tokens of the thinking.
   *
   * @return null if it is not set
   */
  public @Nullable Integer getThinkingBudget() {
    return (Integer) own.get(THINKING_BUDGET);
  }

  /**
   * Returns which tools the answer may or must call.
   *
   * @return null if it is not set
   */
  public @Nullable ToolChoice getToolChoice() {
    return (ToolChoice) own.get(TOOL_CHOICE);
  }

  /**
   * Returns whether an answer may have several calls.
   *
   * @return null if it is not set
   */
  public @Nullable Boolean getParallelToolCalls() {
    return (Boolean) own.get(PARALLEL_TOOL_CALLS);
  }

  /**
   * Returns whether arguments of calls keep the tools' schemas.
   *
   * @return null if it is not set
   */
  public @Nullable Boolean getStrictTools() {
    return (Boolean) own.get(STRICT_TOOLS);
  }

  /**
   * Returns the tenant.
   *
   * @return null if it is not set
   */
  public @Nullable String getTenant() {
    return (String) own.get(TENANT);
  }

  /**
   * Returns the priority.
   *
   * @return null if it is not set
   */
  public @Nullable Integer getPriority() {
    return (Integer) own.get(PRIORITY);
  }

  /**
   * Returns the deadline.
   *
   * @return null if it is not set
   */
  public @Nullable Duration getDeadline() {
    return (Duration) own.get(DEADLINE);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return super.equals(other) && other instanceof S3ChatOptions that && own.equals(that.own);
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), own);
  }

  /**
   * Builds options. As in Spring AI's builders, a second call of a setter replaces the value of the
   * first, and null removes it. Not thread-safe.
   */
  public static final class Builder extends DefaultToolCallingChatOptions.Builder<Builder>
      implements StructuredOutputChatOptions.Builder<Builder> {
    private Map<String, Object> own = new TreeMap<>();

    private Builder() {}

    private Builder set(String name, @Nullable Object value) {
      if (value == null) {
        own.remove(name);
      } else {
        own.put(name, value);
      }
      return this;
    }

    /**
     * Sets the JSON schema that the answer keeps, by a constraint of its tokens; none by default.
     * Chat clients set it for {@code entity(...)} with native structured output.
     *
     * @param schema a JSON schema, draft 2020-12; {@code {}} for any JSON
     * @return this builder
     */
    @Override
    public Builder outputSchema(@Nullable String schema) {
      return set(OUTPUT_SCHEMA, schema);
    }

    /**
     * Sets min-p: tokens whose probability is below this part of the most probable token's are
     * dropped; 0 by default, which keeps all.
     *
     * @param minP 0 to 1
     * @return this builder
     */
    public Builder minP(@Nullable Double minP) {
      return set(MIN_P, minP);
    }

    /**
     * Sets the factor that makes tokens of prompt and answer less probable; 1 by default, which
     * changes nothing.
     *
     * @param repetitionPenalty 0.01 to 100
     * @return this builder
     */
    public Builder repetitionPenalty(@Nullable Double repetitionPenalty) {
      return set(REPETITION_PENALTY, repetitionPenalty);
    }

    /**
     * Sets the seed of the random draws; 0 by default. It has an effect at temperatures above 0.
     *
     * @param seed any value
     * @return this builder
     */
    public Builder seed(@Nullable Long seed) {
      return set(SEED, seed);
    }

    /**
     * Sets what is added to the logits of single tokens; none by default.
     *
     * @param logitBias biases from -100 to 100 by token id, at most 1024; copied
     * @return this builder
     */
    public Builder logitBias(@Nullable Map<Integer, Double> logitBias) {
      return set(LOGIT_BIAS, logitBias == null ? null : Map.copyOf(logitBias));
    }

    /**
     * Sets the number of tokens before which neither the model nor a stop sequence ends the answer;
     * 0 by default.
     *
     * @param minTokens 0 to the output limit
     * @return this builder
     */
    public Builder minTokens(@Nullable Integer minTokens) {
      return set(MIN_TOKENS, minTokens);
    }

    /**
     * Sets that the generation's metadata has the log probabilities of the answer's tokens ({@code
     * logprobs}), and of how many alternatives; none by default.
     *
     * @param logProbabilities number of the most probable tokens in each place, 0 or more
     * @return this builder
     */
    public Builder logProbabilities(@Nullable Integer logProbabilities) {
      return set(LOG_PROBABILITIES, logProbabilities);
    }

    /**
     * Sets whether the model thinks before it answers; by default as its chat template decides.
     *
     * @param thinking whether it thinks
     * @return this builder
     */
    public Builder thinking(@Nullable Boolean thinking) {
      return set(THINKING, thinking);
    }

    /**
     * Sets the largest number of tokens of the model's thinking; without limit by default.
     *
     * @param thinkingBudget 0 or more
     * @return this builder
     */
    public Builder thinkingBudget(@Nullable Integer thinkingBudget) {
      return set(THINKING_BUDGET, thinkingBudget);
    }

    /**
     * Sets which tools the answer may or must call; {@link ToolChoice#auto} by default. A tool that
     * must be called in each turn is called without end by a chat client.
     *
     * @param toolChoice the rule
     * @return this builder
     */
    public Builder toolChoice(@Nullable ToolChoice toolChoice) {
      return set(TOOL_CHOICE, toolChoice);
    }

    /**
     * Sets whether an answer may have more than one call of a tool; true by default.
     *
     * @param parallelToolCalls false for one call at most
     * @return this builder
     */
    public Builder parallelToolCalls(@Nullable Boolean parallelToolCalls) {
      return set(PARALLEL_TOOL_CALLS, parallelToolCalls);
    }

    /**
     * Sets whether the arguments of calls keep the schemas of the tools, by a constraint of the
     * tokens; false by default.
     *
     * @param strictTools true to keep the schemas
     * @return this builder
     */
    public Builder strictTools(@Nullable Boolean strictTools) {
      return set(STRICT_TOOLS, strictTools);
    }

    /**
     * Sets the tenant on whose behalf the request runs; the unnamed tenant by default.
     *
     * @param tenant as {@link dev.s3llm.GenerationRequest.Builder#tenant} allows
     * @return this builder
     */
    public Builder tenant(@Nullable String tenant) {
      return set(TENANT, tenant);
    }

    /**
     * Sets the priority among the requests of a tenant; 0 by default.
     *
     * @param priority as {@link dev.s3llm.GenerationRequest.Builder#priority} allows; more is
     *     earlier
     * @return this builder
     */
    public Builder priority(@Nullable Integer priority) {
      return set(PRIORITY, priority);
    }

    /**
     * Sets the time after submission at which the request ends with an {@link
     * AnswerEndedException}; none by default.
     *
     * @param deadline more than zero
     * @return this builder
     */
    public Builder deadline(@Nullable Duration deadline) {
      return set(DEADLINE, deadline);
    }

    @Override
    public Builder combineWith(ChatOptions.Builder<?> other) {
      super.combineWith(other);
      if (other instanceof Builder that) {
        own.putAll(that.own);
      }
      return this;
    }

    @Override
    public Builder clone() {
      Builder copy = super.clone();
      copy.own = new TreeMap<>(own);
      return copy;
    }

    @Override
    public S3ChatOptions build() {
      return new S3ChatOptions(super.build(), own);
    }
  }
}
