package dev.s3llm.examples.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.s3llm.GenerationResult;
import java.time.Duration;
import java.util.Objects;

/** What an answer says about itself, and how it was scheduled. Immutable. */
public final class S3ChatResponseMetadata extends ChatResponseMetadata {
  private final Scheduling scheduling;

  private S3ChatResponseMetadata(Builder builder) {
    super(builder);
    this.scheduling = builder.scheduling;
  }

  /**
   * How the answer was scheduled.
   *
   * @param predictedTokens median of the predicted output length
   * @param reservedTokens KV slots set aside when it first started
   * @param preemptions how often it lost its memory
   * @param queued from submission until it started
   * @param firstToken from submission to the first token
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

  /** How it was scheduled. */
  public Scheduling scheduling() {
    return scheduling;
  }

  /** Starts metadata. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Builder toBuilder() {
    return (Builder) toBuilder(builder().scheduling(scheduling));
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other)
        && other instanceof S3ChatResponseMetadata that
        && scheduling.equals(that.scheduling);
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), scheduling);
  }

  @Override
  public String toString() {
    return super.toString() + scheduling;
  }

  /** Builds metadata. Not thread-safe. */
  public static final class Builder extends ChatResponseMetadata.Builder<Builder> {
    private Scheduling scheduling = Scheduling.NONE;

    private Builder() {}

    /** Sets how it was scheduled. */
    public Builder scheduling(Scheduling scheduling) {
      this.scheduling = scheduling;
      return this;
    }

    @Override
    public S3ChatResponseMetadata build() {
      return new S3ChatResponseMetadata(this);
    }
  }
}
