package dev.s3llm;

import dev.s3llm.execute.SamplingParameters;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What a caller wants generated. Immutable. */
public final class GenerationRequest {
  private static final AtomicLong NEXT_ID = new AtomicLong();
  private static final int MAX_NAME_LENGTH = 256;

  private final String id;
  private final int[] promptTokens;
  private final @Nullable String promptText;
  private final int maxNewTokens;
  private final int[] stopTokens;
  private final SamplingParameters sampling;
  private final String tenant;
  private final int priority;
  private final @Nullable Duration deadline;
  private final @Nullable Duration firstTokenWithin;
  private final @Nullable Duration timePerOutputToken;
  private final @Nullable String lengthKey;
  private final int lengthHint;

  private GenerationRequest(Builder builder) {
    id = builder.id == null ? "r" + NEXT_ID.getAndIncrement() : builder.id;
    promptTokens = builder.promptTokens;
    promptText = builder.promptText;
    maxNewTokens = builder.maxNewTokens;
    stopTokens = builder.stopTokens;
    sampling = builder.sampling;
    tenant = builder.tenant;
    priority = builder.priority;
    deadline = builder.deadline;
    firstTokenWithin = builder.firstTokenWithin;
    timePerOutputToken = builder.timePerOutputToken;
    lengthKey = builder.lengthKey;
    lengthHint = builder.lengthHint;
  }

  /**
   * Starts a request.
   *
   * @param promptTokens token ids, at least one; copied
   */
  public static Builder builder(int... promptTokens) {
    return new Builder(promptTokens);
  }

  /** Identifies the request among live ones. */
  public String id() {
    return id;
  }

  /** The prompt's token ids; a copy. */
  public int[] promptTokens() {
    return promptTokens.clone();
  }

  /** How many tokens the prompt has. */
  public int promptLength() {
    return promptTokens.length;
  }

  /** The prompt's text, for predictors that read it. */
  public Optional<String> promptText() {
    return Optional.ofNullable(promptText);
  }

  /** The most tokens to generate. */
  public int maxNewTokens() {
    return maxNewTokens;
  }

  /** Token ids that end the answer, ascending; a copy. */
  public int[] stopTokens() {
    return stopTokens.clone();
  }

  /** How to sample. */
  public SamplingParameters sampling() {
    return sampling;
  }

  /** On whose behalf it runs; empty unless the caller names one. */
  public String tenant() {
    return tenant;
  }

  /** Higher goes first among those of the same tenant. */
  public int priority() {
    return priority;
  }

  /** How long after submission the request times out. */
  public Optional<Duration> deadline() {
    return Optional.ofNullable(deadline);
  }

  /** Within what time of its submission the first token is wanted, or none at all. */
  public Optional<Duration> firstTokenWithin() {
    return Optional.ofNullable(firstTokenWithin);
  }

  /** The time per output token that it wants kept while it runs. */
  public Optional<Duration> timePerOutputToken() {
    return Optional.ofNullable(timePerOutputToken);
  }

  /** Groups requests whose answers have similar lengths. */
  public Optional<String> lengthKey() {
    return Optional.ofNullable(lengthKey);
  }

  /** The caller's guess of the output length, in tokens. */
  public OptionalInt lengthHint() {
    return lengthHint == 0 ? OptionalInt.empty() : OptionalInt.of(lengthHint);
  }

  int[] sharedPrompt() {
    return promptTokens;
  }

  int[] sharedStops() {
    return stopTokens;
  }

  /** Builds a request. Each setter checks its value at once. Not thread-safe. */
  public static final class Builder {
    private final int[] promptTokens;
    private @Nullable String id;
    private @Nullable String promptText;
    private int maxNewTokens = 256;
    private int[] stopTokens = {};
    private SamplingParameters sampling = SamplingParameters.GREEDY;
    private String tenant = "";
    private int priority;
    private @Nullable Duration firstTokenWithin;
    private @Nullable Duration timePerOutputToken;
    private @Nullable Duration deadline;
    private @Nullable String lengthKey;
    private int lengthHint;

    private Builder(int[] promptTokens) {
      Objects.requireNonNull(promptTokens, "promptTokens");
      if (promptTokens.length == 0) {
        throw new IllegalArgumentException("promptTokens must have at least one token");
      }
      this.promptTokens = promptTokens.clone();
    }

    /**
     * Sets the id; unique by default.
     *
     * @param id 1 to 256 characters, none of them a control character
     */
    public Builder id(String id) {
      this.id = requireName("id", id);
      return this;
    }

    /** Sets the text of the prompt; none by default. */
    public Builder promptText(String promptText) {
      this.promptText = promptText;
      return this;
    }

    /**
     * Sets the output limit; 256 by default.
     *
     * @param maxNewTokens at least 1
     */
    public Builder maxNewTokens(int maxNewTokens) {
      this.maxNewTokens = atLeast("maxNewTokens", maxNewTokens, 1);
      return this;
    }

    /**
     * Sets the token ids that end the answer; none by default. A stop token is part of the output.
     */
    public Builder stopTokens(int... stopTokens) {
      Objects.requireNonNull(stopTokens, "stopTokens");
      this.stopTokens = Arrays.stream(stopTokens).sorted().distinct().toArray();
      return this;
    }

    /** Sets how to sample; greedy by default. */
    public Builder sampling(SamplingParameters sampling) {
      this.sampling = Objects.requireNonNull(sampling, "sampling");
      return this;
    }

    /**
     * Sets on whose behalf the request runs. Tenants that want more than there is get it in
     * proportion to their weights ({@link EngineBuilder#tenantWeights}); all requests without a
     * tenant are one together.
     *
     * @param tenant 1 to 256 characters, none of them a control character
     */
    public Builder tenant(String tenant) {
      this.tenant = requireName("tenant", tenant);
      return this;
    }

    /** Sets the priority among the tenant's requests; 0 by default. */
    public Builder priority(int priority) {
      this.priority = priority;
      return this;
    }

    /**
     * Sets a time per output token to keep while it runs, beside the engine's ({@link
     * EngineBuilder#timePerOutputToken}): as long as it decodes, steps take no more prefill and
     * start no more requests than leave them within the strictest of both. A batch that is too
     * large already is left to shrink. No limit by default.
     *
     * @param target positive
     */
    public Builder timePerOutputToken(Duration target) {
      if (target.isNegative() || target.isZero()) {
        throw new IllegalArgumentException("timePerOutputToken must be positive, but is " + target);
      }
      this.timePerOutputToken = target;
      return this;
    }

    /**
     * Refuses the request early, with {@link FirstTokenTooLateException} as its failure, if its
     * first token is not expected within this time of its submission. No limit by default.
     *
     * @param limit positive
     */
    public Builder firstTokenWithin(Duration limit) {
      if (limit.isNegative() || limit.isZero()) {
        throw new IllegalArgumentException("firstTokenWithin must be positive, but is " + limit);
      }
      this.firstTokenWithin = limit;
      return this;
    }

    /** Sets how long after submission the request times out; never by default. */
    public Builder deadline(Duration deadline) {
      this.deadline = Objects.requireNonNull(deadline, "deadline");
      return this;
    }

    /**
     * Sets the group whose lengths predict this one's, such as a route; none by default.
     *
     * @param lengthKey 1 to 256 characters, none of them a control character
     */
    public Builder lengthKey(String lengthKey) {
      this.lengthKey = requireName("lengthKey", lengthKey);
      return this;
    }

    /**
     * Sets the caller's guess of the output length; none by default.
     *
     * @param tokens at least 1
     */
    public Builder lengthHint(int tokens) {
      this.lengthHint = atLeast("lengthHint", tokens, 1);
      return this;
    }

    /** The request. */
    public GenerationRequest build() {
      return new GenerationRequest(this);
    }

    private static String requireName(String field, String name) {
      Objects.requireNonNull(name, field);
      if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
        throw new IllegalArgumentException(
            "%s must have 1 to %d characters, but has %d"
                .formatted(field, MAX_NAME_LENGTH, name.length()));
      }
      if (name.chars().anyMatch(Character::isISOControl)) {
        throw new IllegalArgumentException(field + " must not contain control characters");
      }
      return name;
    }

    private static int atLeast(String name, int value, int minimum) {
      if (value < minimum) {
        throw new IllegalArgumentException(
            name + " must be at least " + minimum + ", but is " + value);
      }
      return value;
    }
  }
}
