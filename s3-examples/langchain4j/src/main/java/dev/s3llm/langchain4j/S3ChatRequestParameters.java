package dev.s3llm.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.s3llm.GenerationRequest;
import dev.s3llm.text.TextRequest;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * LangChain4j's request parameters with tenant, deadline, least length and seed of the engine, and
 * with the model's thinking. Immutable.
 */
public final class S3ChatRequestParameters extends DefaultChatRequestParameters {
  private final @Nullable String tenant;
  private final @Nullable Duration deadline;
  private final @Nullable Integer minTokens;
  private final @Nullable Long seed;
  private final @Nullable Boolean thinking;
  private final @Nullable Integer thinkingBudget;

  private S3ChatRequestParameters(Builder builder) {
    super(builder);
    this.tenant = builder.tenant;
    this.deadline = builder.deadline;
    this.minTokens = builder.minTokens;
    this.seed = builder.seed;
    this.thinking = builder.thinking;
    this.thinkingBudget = builder.thinkingBudget;
  }

  /**
   * Returns a builder without any parameter set.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Checks tenant, deadline, least length and the budget of thinking.
   *
   * @throws IllegalArgumentException if one of them is out of range
   */
  void check() {
    apply(GenerationRequest.builder(0));
    apply(TextRequest.builder());
  }

  /** Sets the model's thinking on a request. */
  void apply(TextRequest.Builder request) {
    if (thinking != null) {
      request.thinking(thinking);
    }
    if (thinkingBudget != null) {
      request.thinkingBudget(thinkingBudget);
    }
  }

  /** Sets tenant, deadline and least length on a request. */
  void apply(GenerationRequest.Builder request) {
    if (tenant != null) {
      request.tenant(tenant);
    }
    if (deadline != null) {
      request.deadline(deadline);
    }
    if (minTokens != null) {
      request.minTokens(minTokens);
    }
  }

  /** Returns the seed of the random draws; 0 if none is set. */
  long seed() {
    return seed == null ? 0 : seed;
  }

  @Override
  public ChatRequestParameters overrideWith(ChatRequestParameters that) {
    return builder().overrideWith(this).overrideWith(that).build();
  }

  @Override
  public ChatRequestParameters defaultedBy(ChatRequestParameters that) {
    return builder().overrideWith(that).overrideWith(this).build();
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other)
        && other instanceof S3ChatRequestParameters that
        && Objects.equals(tenant, that.tenant)
        && Objects.equals(deadline, that.deadline)
        && Objects.equals(minTokens, that.minTokens)
        && Objects.equals(seed, that.seed)
        && Objects.equals(thinking, that.thinking)
        && Objects.equals(thinkingBudget, that.thinkingBudget);
  }

  @Override
  public int hashCode() {
    return Objects.hash(
        super.hashCode(), tenant, deadline, minTokens, seed, thinking, thinkingBudget);
  }

  @Override
  public String toString() {
    return "%s{tenant=%s, deadline=%s, minTokens=%s, seed=%s, thinking=%s, thinkingBudget=%s}"
        .formatted(super.toString(), tenant, deadline, minTokens, seed, thinking, thinkingBudget);
  }

  /**
   * Builds parameters. As in LangChain4j's builders, a second call of a setter replaces the value
   * of the first. Not thread-safe.
   */
  public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
    private @Nullable String tenant;
    private @Nullable Duration deadline;
    private @Nullable Integer minTokens;
    private @Nullable Long seed;
    private @Nullable Boolean thinking;
    private @Nullable Integer thinkingBudget;

    private Builder() {}

    /**
     * Sets the tenant on whose behalf the request runs; the unnamed tenant by default.
     *
     * @param tenant as {@link GenerationRequest.Builder#tenant} allows; checked when the parameters
     *     are used
     * @return this builder
     */
    public Builder tenant(String tenant) {
      this.tenant = Objects.requireNonNull(tenant, "tenant");
      return this;
    }

    /**
     * Sets the time after submission at which the request times out; none by default.
     *
     * @param deadline more than zero; checked when the parameters are used
     * @return this builder
     */
    public Builder deadline(Duration deadline) {
      this.deadline = Objects.requireNonNull(deadline, "deadline");
      return this;
    }

    /**
     * Sets the number of output tokens before which neither the model nor a stop sequence ends the
     * answer; 0 by default.
     *
     * @param minTokens from 0 to the output limit; checked when the parameters are used
     * @return this builder
     */
    public Builder minTokens(int minTokens) {
      this.minTokens = minTokens;
      return this;
    }

    /**
     * Sets the seed of the random draws; 0 by default. It has an effect at temperatures above 0.
     *
     * @param seed any value
     * @return this builder
     */
    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Sets whether the model thinks before it answers; by default as its chat template decides.
     *
     * @param thinking whether it thinks
     * @return this builder
     */
    public Builder thinking(boolean thinking) {
      this.thinking = thinking;
      return this;
    }

    /**
     * Sets the largest number of tokens of the model's thinking; without limit by default.
     *
     * @param tokens 0 or more; checked when the parameters are used
     * @return this builder
     */
    public Builder thinkingBudget(int tokens) {
      this.thinkingBudget = tokens;
      return this;
    }

    @Override
    public Builder overrideWith(ChatRequestParameters parameters) {
      super.overrideWith(parameters);
      if (parameters instanceof S3ChatRequestParameters engine) {
        tenant = engine.tenant != null ? engine.tenant : tenant;
        deadline = engine.deadline != null ? engine.deadline : deadline;
        minTokens = engine.minTokens != null ? engine.minTokens : minTokens;
        seed = engine.seed != null ? engine.seed : seed;
        thinking = engine.thinking != null ? engine.thinking : thinking;
        thinkingBudget = engine.thinkingBudget != null ? engine.thinkingBudget : thinkingBudget;
      }
      return this;
    }

    @Override
    public S3ChatRequestParameters build() {
      return new S3ChatRequestParameters(this);
    }
  }
}
