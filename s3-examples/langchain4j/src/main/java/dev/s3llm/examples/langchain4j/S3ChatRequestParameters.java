package dev.s3llm.examples.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.s3llm.GenerationRequest;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** LangChain4j's parameters and some of the engine's own. Immutable. */
public final class S3ChatRequestParameters extends DefaultChatRequestParameters {
  private final @Nullable String tenant;
  private final @Nullable Duration deadline;
  private final @Nullable Long seed;

  private S3ChatRequestParameters(Builder builder) {
    super(builder);
    this.tenant = builder.tenant;
    this.deadline = builder.deadline;
    this.seed = builder.seed;
  }

  /** Starts parameters. */
  public static Builder builder() {
    return new Builder();
  }

  /** Refuses what the engine's request would refuse. */
  void check() {
    apply(GenerationRequest.builder(0));
  }

  /** Sets them on a request. */
  void apply(GenerationRequest.Builder request) {
    if (tenant != null) {
      request.tenant(tenant);
    }
    if (deadline != null) {
      request.deadline(deadline);
    }
  }

  /** Of the random draws; 0 if it was not set. */
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
        && Objects.equals(seed, that.seed);
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), tenant, deadline, seed);
  }

  @Override
  public String toString() {
    return "%s{tenant=%s, deadline=%s, seed=%s}"
        .formatted(super.toString(), tenant, deadline, seed);
  }

  /** Builds parameters. Not thread-safe. */
  public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
    private @Nullable String tenant;
    private @Nullable Duration deadline;
    private @Nullable Long seed;

    private Builder() {}

    /** Sets on whose behalf it runs, as {@link GenerationRequest.Builder#tenant} says. */
    public Builder tenant(String tenant) {
      this.tenant = tenant;
      return this;
    }

    /** Sets how long after submission it times out; never by default. */
    public Builder deadline(Duration deadline) {
      this.deadline = deadline;
      return this;
    }

    /** Sets the seed of the random draws, which a temperature above 0 makes; 0 by default. */
    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    @Override
    public Builder overrideWith(ChatRequestParameters parameters) {
      super.overrideWith(parameters);
      if (parameters instanceof S3ChatRequestParameters ours) {
        tenant = ours.tenant != null ? ours.tenant : tenant;
        deadline = ours.deadline != null ? ours.deadline : deadline;
        seed = ours.seed != null ? ours.seed : seed;
      }
      return this;
    }

    @Override
    public S3ChatRequestParameters build() {
      return new S3ChatRequestParameters(this);
    }
  }
}
