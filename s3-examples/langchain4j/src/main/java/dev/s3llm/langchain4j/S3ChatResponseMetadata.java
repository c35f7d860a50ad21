package dev.s3llm.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.s3llm.GenerationResult;
import java.time.Duration;
import java.util.Objects;

/** LangChain4j's response metadata with the engine's scheduling of the answer. Immutable. */
public final class S3ChatResponseMetadata extends ChatResponseMetadata {
  private final Scheduling scheduling;
  private final int reasoningTokens;

  private S3ChatResponseMetadata(Builder builder) {
    super(builder);
    this.scheduling = builder.scheduling;
    this.reasoningTokens = builder.reasoningTokens;
  }

  /**
   * The engine's scheduling of an answer.
   *
   * @param predictedTokens median of the predicted output length, in tokens
   * @param reservedTokens KV slots that were reserved when the request first started
   * @param preemptions number of times that the request lost its KV memory
   * @param queued time from submission to the start
   * @param firstToken time from submission to the first token; to the end if there is no token
   */
  public record Scheduling(
      int predictedTokens,
      int reservedTokens,
      int preemptions,
      Duration queued,
      Duration firstToken) {
    static final Scheduling NONE = new Scheduling(0, 0, 0, Duration.ZERO, Duration.ZERO);

    static Scheduling of(GenerationResult result) {
      return new Scheduling(
          result.explanation().predictedTokens(),
          result.reservedTokens(),
          result.preemptions(),
          result.queued(),
          result.timeToFirstToken().orElse(result.total()));
    }
  }

  /**
   * Returns the scheduling of the answer.
   *
   * @return all zero if the metadata was built without it
   */
  public Scheduling scheduling() {
    return scheduling;
  }

  /**
   * Returns the number of output tokens that are reasoning.
   *
   * @return part of the output tokens of the token usage; 0 if the model did not think
   */
  public int reasoningTokens() {
    return reasoningTokens;
  }

  /**
   * Returns a builder without any value set.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Builder toBuilder() {
    return (Builder) toBuilder(builder().scheduling(scheduling).reasoningTokens(reasoningTokens));
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other)
        && other instanceof S3ChatResponseMetadata that
        && scheduling.equals(that.scheduling)
        && reasoningTokens == that.reasoningTokens;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), scheduling, reasoningTokens);
  }

  @Override
  public String toString() {
    return super.toString() + scheduling + " reasoningTokens=" + reasoningTokens;
  }

  /**
   * Builds metadata. As in LangChain4j's builders, a second call of a setter replaces the value of
   * the first. Not thread-safe.
   */
  public static final class Builder extends ChatResponseMetadata.Builder<Builder> {
    private Scheduling scheduling = Scheduling.NONE;
    private int reasoningTokens;

    private Builder() {}

    /**
     * Sets the scheduling of the answer.
     *
     * @param scheduling its times and token counts
     * @return this builder
     */
    public Builder scheduling(Scheduling scheduling) {
      this.scheduling = Objects.requireNonNull(scheduling, "scheduling");
      return this;
    }

    /**
     * Sets the number of output tokens that are reasoning; 0 by default.
     *
     * @param tokens 0 or more
     * @return this builder
     */
    public Builder reasoningTokens(int tokens) {
      this.reasoningTokens = tokens;
      return this;
    }

    @Override
    public S3ChatResponseMetadata build() {
      return new S3ChatResponseMetadata(this);
    }
  }
}
