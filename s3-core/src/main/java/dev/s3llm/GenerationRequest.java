package dev.s3llm;

import com.google.common.base.Preconditions;
import dev.s3llm.error.FirstTokenTooLateException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.support.Settings;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A request for generated tokens: the prompt, limits, and how to sample and to schedule it. The
 * prompt is text as token ids, an opaque input for an executor that takes such inputs (audio, for
 * example), or the input followed by token ids. Immutable and thread-safe, if the input is.
 */
public final class GenerationRequest {
  /**
   * The output limit of an answer that may be as long as the engine allows: context and KV memory,
   * whichever is less, without the prompt.
   */
  public static final int AS_MANY_AS_FIT = Integer.MAX_VALUE;

  private static final AtomicLong NEXT_ID = new AtomicLong();
  private static final int MAX_NAME_LENGTH = 256;

  /** Distance of the seeds of two answers: an odd number, so that seeds differ in all bits. */
  private static final long SEEDS_APART = 0x9E3779B97F4A7C15L;

  private static final int DEFAULT_MAX_NEW_TOKENS = 256;

  private final String id;
  private final SequenceStep.@Nullable Input input;
  private final int inputSlots;
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
  private final Extras extras;

  private GenerationRequest(Builder builder) {
    Settings settings = builder.settings;
    input = builder.input;
    inputSlots = builder.inputSlots;
    promptTokens = builder.promptTokens;
    id = settings.get("id", () -> "r" + NEXT_ID.getAndIncrement());
    promptText = settings.find("promptText", String.class);
    maxNewTokens = settings.get("maxNewTokens", () -> DEFAULT_MAX_NEW_TOKENS);
    stopTokens = settings.get("stopTokens", () -> new int[0]);
    sampling = settings.get("sampling", () -> SamplingParameters.GREEDY);
    tenant = settings.get("tenant", () -> "");
    priority = settings.get("priority", () -> 0);
    deadline = settings.find("deadline", Duration.class);
    firstTokenWithin = settings.find("firstTokenWithin", Duration.class);
    timePerOutputToken = settings.find("timePerOutputToken", Duration.class);
    lengthKey = settings.find("lengthKey", String.class);
    lengthHint = settings.get("lengthHint", () -> 0);
    extras =
        new Extras(
            settings.get("logProbabilities", () -> -1),
            settings.get("features", () -> false),
            Rule.of(settings.find("tokenConstraint", SequenceStep.TokenConstraint.class)),
            settings.find("thinking", LengthQuery.Thinking.class),
            settings.get("minTokens", () -> 0),
            settings.find("cacheSalt", String.class),
            settings.find("expectFollowUpWithin", Duration.class),
            settings.get("sessionEnds", () -> false));
    Preconditions.checkArgument(
        extras.minTokens() <= maxNewTokens,
        "minTokens must not exceed maxNewTokens, but they are %s and %s",
        extras.minTokens(),
        maxNewTokens);
  }

  private GenerationRequest(
      GenerationRequest other, String id, SamplingParameters sampling, Extras extras) {
    this.id = id;
    input = other.input;
    inputSlots = other.inputSlots;
    promptTokens = other.promptTokens;
    promptText = other.promptText;
    maxNewTokens = other.maxNewTokens;
    stopTokens = other.stopTokens;
    this.sampling = sampling;
    tenant = other.tenant;
    priority = other.priority;
    deadline = other.deadline;
    firstTokenWithin = other.firstTokenWithin;
    timePerOutputToken = other.timePerOutputToken;
    lengthKey = other.lengthKey;
    lengthHint = other.lengthHint;
    this.extras = extras;
  }

  /**
   * Returns the request for one of several answers: the first is this one, the others have ids and
   * seeds of their own.
   *
   * @param index number of the answer, from 0
   */
  GenerationRequest answer(int index) {
    if (index == 0) {
      return this;
    }
    long seed = sampling.seed() + index * SEEDS_APART;
    return new GenerationRequest(this, id + "#" + index, sampling.withSeed(seed), extras);
  }

  /** What a request asks for beside its tokens. */
  private record Extras(
      int logProbabilities,
      boolean features,
      Rule rule,
      LengthQuery.@Nullable Thinking thinking,
      int minTokens,
      @Nullable String cacheSalt,
      @Nullable Duration expectFollowUpWithin,
      boolean sessionEnds) {
    Extras scored() {
      return new Extras(
          0, features, rule, thinking, minTokens, cacheSalt, expectFollowUpWithin, sessionEnds);
    }
  }

  /**
   * A constraint and the bounds that it names, which are read once.
   *
   * @param constraint the constraint; null for none
   * @param shortest a lower bound of the answer's tokens, 0 or more
   * @param longest an upper bound, at least 1
   */
  record Rule(SequenceStep.@Nullable TokenConstraint constraint, int shortest, int longest) {
    private static Rule of(SequenceStep.@Nullable TokenConstraint constraint) {
      return constraint == null
          ? new Rule(null, 0, Integer.MAX_VALUE)
          : new Rule(
              constraint, Math.max(0, constraint.shortest()), Math.max(1, constraint.longest()));
    }
  }

  /** Returns a request like this one for log probabilities of its tokens, if it asks for none. */
  GenerationRequest scored() {
    return extras.logProbabilities() >= 0
        ? this
        : new GenerationRequest(this, id, sampling, extras.scored());
  }

  /**
   * Returns a builder of a request.
   *
   * @param promptTokens token ids, at least one; copied
   * @throws NullPointerException if {@code promptTokens} is null
   * @throws IllegalArgumentException if {@code promptTokens} is empty
   */
  public static Builder builder(int... promptTokens) {
    Objects.requireNonNull(promptTokens, "promptTokens must not be null");
    Preconditions.checkArgument(
        promptTokens.length > 0, "promptTokens must have at least one token");
    return new Builder(null, promptTokens);
  }

  /**
   * Returns a builder of a request with an opaque input.
   *
   * @param input an input that the executor understands; its {@code slots} are read once
   * @param promptTokens token ids after the input, any number; copied
   * @throws NullPointerException if an argument is null
   * @throws IllegalArgumentException if the input has less than one slot, or input and tokens have
   *     more than an {@code int} can count
   */
  public static Builder builder(SequenceStep.Input input, int... promptTokens) {
    Objects.requireNonNull(input, "input must not be null");
    Objects.requireNonNull(promptTokens, "promptTokens must not be null");
    return new Builder(input, promptTokens);
  }

  /** Returns the id, unique among the live requests of an engine. */
  public String id() {
    return id;
  }

  /** Returns the opaque input, which comes before the prompt's tokens, if there is one. */
  public Optional<SequenceStep.Input> input() {
    return Optional.ofNullable(input);
  }

  /** Returns a copy of the prompt's token ids; may be empty if there is an input. */
  public int[] promptTokens() {
    return promptTokens.clone();
  }

  /** Returns the length of the prompt in tokens; the input counts with its slots. */
  public int promptLength() {
    return inputSlots + promptTokens.length;
  }

  /** Returns the prompt's text, for predictors that read it. */
  public Optional<String> promptText() {
    return Optional.ofNullable(promptText);
  }

  /** Returns the output limit, in tokens; {@link #AS_MANY_AS_FIT} if the engine computes it. */
  public int maxNewTokens() {
    return maxNewTokens;
  }

  /** Returns the number of output tokens before which no stop token may come, 0 or more. */
  public int minTokens() {
    return extras.minTokens();
  }

  /** Returns a copy of the token ids that end the answer, ascending. */
  public int[] stopTokens() {
    return stopTokens.clone();
  }

  /** Returns the sampling parameters. */
  public SamplingParameters sampling() {
    return sampling;
  }

  /** Returns the tenant; empty if the caller named none. */
  public String tenant() {
    return tenant;
  }

  /**
   * Returns the salt that names the requests with which this one shares KV blocks, if it is set.
   */
  public Optional<String> cacheSalt() {
    return Optional.ofNullable(extras.cacheSalt());
  }

  /**
   * Returns the time from the end of this request within which one that begins like it is expected.
   */
  public Optional<Duration> expectFollowUpWithin() {
    return Optional.ofNullable(extras.expectFollowUpWithin());
  }

  /** Returns whether no request that begins like this one follows. */
  public boolean sessionEnds() {
    return extras.sessionEnds();
  }

  /** Returns the priority; among the requests of a tenant, a higher priority goes first. */
  public int priority() {
    return priority;
  }

  /** Returns the time after submission at which the request times out, if there is one. */
  public Optional<Duration> deadline() {
    return Optional.ofNullable(deadline);
  }

  /** Returns the longest accepted time from submission to the first token, if there is one. */
  public Optional<Duration> firstTokenWithin() {
    return Optional.ofNullable(firstTokenWithin);
  }

  /** Returns the target for the time per output token, if there is one. */
  public Optional<Duration> timePerOutputToken() {
    return Optional.ofNullable(timePerOutputToken);
  }

  /**
   * Returns the name of a group of requests whose answers have similar lengths, if there is one.
   */
  public Optional<String> lengthKey() {
    return Optional.ofNullable(lengthKey);
  }

  /** Returns the caller's estimate of the output length, in tokens, if there is one. */
  public OptionalInt lengthHint() {
    return lengthHint == 0 ? OptionalInt.empty() : OptionalInt.of(lengthHint);
  }

  /**
   * Returns how many alternatives are asked for at each token, with their log probabilities and
   * that of the token; -1 if no log probabilities are asked for.
   */
  public int logProbabilities() {
    return extras.logProbabilities();
  }

  /** Returns whether the model's features are asked for. */
  public boolean features() {
    return extras.features();
  }

  /** Returns the rule for the tokens of the answer, if there is one. */
  public Optional<SequenceStep.TokenConstraint> tokenConstraint() {
    return Optional.ofNullable(extras.rule().constraint());
  }

  /** Returns how the output divides into thinking and answer, if it may think. */
  public Optional<LengthQuery.Thinking> thinking() {
    return Optional.ofNullable(extras.thinking());
  }

  /** Returns the rule with its bounds. */
  Rule rule() {
    return extras.rule();
  }

  int inputSlots() {
    return inputSlots;
  }

  int[] sharedPrompt() {
    return promptTokens;
  }

  int[] sharedStops() {
    return stopTokens;
  }

  /**
   * Builds a request. Each setter checks its value at once, refuses null with a {@link
   * NullPointerException} that names the setting, and refuses a second call with an {@link
   * IllegalStateException} that names the earlier value. Not thread-safe.
   */
  public static final class Builder {
    private final SequenceStep.@Nullable Input input;
    private final int inputSlots;
    private final int[] promptTokens;
    private final Settings settings = new Settings();

    private Builder(SequenceStep.@Nullable Input input, int[] promptTokens) {
      this.input = input;
      this.inputSlots = input == null ? 0 : input.slots();
      Preconditions.checkArgument(
          input == null || inputSlots > 0,
          "input must have at least one slot, but has %s",
          inputSlots);
      Preconditions.checkArgument(
          inputSlots <= Integer.MAX_VALUE - promptTokens.length,
          "input and promptTokens must not exceed %s slots together, but have %s and %s",
          Integer.MAX_VALUE,
          inputSlots,
          promptTokens.length);
      this.promptTokens = promptTokens.clone();
    }

    /**
     * Sets the id; by default an id that is unique in this JVM.
     *
     * @param id 1 to 256 characters, none of them a control character
     * @throws IllegalArgumentException if the id is not such a text
     */
    public Builder id(String id) {
      return setName("id", id);
    }

    /**
     * Sets the text of the prompt, for predictors that read it; none by default.
     *
     * @param promptText the text; may be empty
     */
    public Builder promptText(String promptText) {
      settings.set("promptText", promptText);
      return this;
    }

    /**
     * Sets the output limit; 256 tokens by default.
     *
     * @param maxNewTokens the most tokens to generate, at least 1, or {@link #AS_MANY_AS_FIT}
     * @throws IllegalArgumentException if the limit is below 1
     */
    public Builder maxNewTokens(int maxNewTokens) {
      settings.setAtLeast("maxNewTokens", maxNewTokens, 1);
      return this;
    }

    /**
     * Sets a least length; 0 by default. The executor does not draw a stop token as one of the
     * first {@code tokens} of the answer: its probability counts as zero there. {@link
     * S3Engine#submit} refuses a request with stop tokens and a least length if the executor cannot
     * do that ({@link dev.s3llm.execute.ExecutorProfile#masksTokens}).
     *
     * @param tokens output tokens before which no stop token may come, from 0 to the output limit
     * @throws IllegalArgumentException if the number is negative; {@link #build} throws it if the
     *     number exceeds the output limit
     */
    public Builder minTokens(int tokens) {
      settings.setAtLeast("minTokens", tokens, 0);
      return this;
    }

    /**
     * Sets the token ids that end the answer; none by default. A stop token is part of the output.
     *
     * @param stopTokens token ids, any number, in any order; copied
     */
    public Builder stopTokens(int... stopTokens) {
      Objects.requireNonNull(stopTokens, "stopTokens must not be null");
      settings.set("stopTokens", Arrays.stream(stopTokens).sorted().distinct().toArray());
      return this;
    }

    /**
     * Sets the sampling parameters; greedy by default.
     *
     * @param sampling the sampling parameters
     */
    public Builder sampling(SamplingParameters sampling) {
      settings.set("sampling", sampling);
      return this;
    }

    /**
     * Sets the tenant that the request belongs to; by default the tenant of all requests without a
     * name. When tenants together need more service than the engine can give, each tenant gets a
     * share in proportion to its weight ({@link EngineBuilder#tenantWeights}).
     *
     * @param tenant 1 to 256 characters, none of them a control character
     * @throws IllegalArgumentException if the tenant is not such a text
     */
    public Builder tenant(String tenant) {
      return setName("tenant", tenant);
    }

    /**
     * Sets which requests share KV blocks with this one where they begin alike: those with the same
     * salt, of all tenants. By default the requests of the same tenant without a salt share, so
     * that no tenant learns from response times what others ask. Name a salt to share on purpose
     * between tenants, or to share less than a tenant. A salt is no secret of the engine: whoever
     * knows it can tell from response times whether a beginning was computed before.
     *
     * @param salt 1 to 256 characters, none of them a control character
     * @throws IllegalArgumentException if the salt is not such a text
     */
    public Builder cacheSalt(String salt) {
      return setName("cacheSalt", salt);
    }

    /**
     * Sets the time from the end of this request within which one that begins like it is expected,
     * such as the next turn of a conversation. The engine keeps the KV of such requests rather than
     * that of others; it forgets it all the same if its room is needed. Unknown by default.
     *
     * @param time time until the next request, positive
     * @throws IllegalArgumentException if the time is zero or negative
     */
    public Builder expectFollowUpWithin(Duration time) {
      settings.setPositive("expectFollowUpWithin", time);
      return this;
    }

    /**
     * Sets whether no request that begins like this one follows, so that its KV need not be kept;
     * false by default.
     *
     * @param ends whether the conversation ends with this request
     */
    public Builder sessionEnds(boolean ends) {
      settings.set("sessionEnds", ends);
      return this;
    }

    /**
     * Sets the priority among the tenant's requests; 0 by default.
     *
     * @param priority any number; requests with a higher priority go first
     */
    public Builder priority(int priority) {
      settings.set("priority", priority);
      return this;
    }

    /**
     * Sets a target for the time per output token while the request runs, in addition to the
     * engine's own ({@link EngineBuilder#timePerOutputToken}). While the request decodes, steps
     * take only as much prefill, and start only as many requests, as the strictest target of the
     * batch allows. A batch that is already too large shrinks as its sequences end. No target by
     * default.
     *
     * @param target time per output token after the first, positive
     * @throws IllegalArgumentException if the target is zero or negative
     */
    public Builder timePerOutputToken(Duration target) {
      settings.setPositive("timePerOutputToken", target);
      return this;
    }

    /**
     * Sets the longest accepted time from submission to the first token. If the first token is not
     * expected within this time, the request fails early, with {@link FirstTokenTooLateException}.
     * No limit by default.
     *
     * @param limit time from submission to the first token, positive
     * @throws IllegalArgumentException if the limit is zero or negative
     */
    public Builder firstTokenWithin(Duration limit) {
      settings.setPositive("firstTokenWithin", limit);
      return this;
    }

    /**
     * Sets the time after submission at which the request times out; never by default.
     *
     * @param deadline time from submission to the timeout, positive
     * @throws IllegalArgumentException if the deadline is zero or negative
     */
    public Builder deadline(Duration deadline) {
      settings.setPositive("deadline", deadline);
      return this;
    }

    /**
     * Sets the group of requests whose answers have similar lengths, such as a route or a prompt
     * template; none by default.
     *
     * @param lengthKey 1 to 256 characters, none of them a control character
     * @throws IllegalArgumentException if the key is not such a text
     */
    public Builder lengthKey(String lengthKey) {
      return setName("lengthKey", lengthKey);
    }

    /**
     * Sets the caller's estimate of the output length; none by default.
     *
     * @param tokens expected output length, in tokens, at least 1
     * @throws IllegalArgumentException if the estimate is below 1
     */
    public Builder lengthHint(int tokens) {
      settings.setAtLeast("lengthHint", tokens, 1);
      return this;
    }

    /**
     * Asks for the log probability of each token of the answer, and of the most probable tokens in
     * its place ({@link Generation#scores}, {@link GenerationResult#scores}); none by default.
     * {@link S3Engine#submit} refuses such a request if the executor does not report them ({@link
     * dev.s3llm.execute.ExecutorProfile#reportsLogProbabilities}).
     *
     * @param alternatives number of most probable tokens at each position, from 0 to {@value
     *     dev.s3llm.execute.ExecutorProfile#MOST_LOG_PROBABILITIES}
     * @throws IllegalArgumentException if the number is out of range
     */
    public Builder logProbabilities(int alternatives) {
      Preconditions.checkArgument(
          alternatives <= ExecutorProfile.MOST_LOG_PROBABILITIES,
          "logProbabilities must be at most %s, but is %s",
          ExecutorProfile.MOST_LOG_PROBABILITIES,
          alternatives);
      settings.setAtLeast("logProbabilities", alternatives, 0);
      return this;
    }

    /**
     * Sets whether the model's features are asked for; false by default. No executor of this
     * version gives them, so {@link S3Engine#submit} refuses such a request.
     *
     * @param wanted whether the features are asked for
     */
    public Builder features(boolean wanted) {
      settings.set("features", wanted);
      return this;
    }

    /**
     * Sets a rule that the answer keeps; none by default. Each token is one that the rule allows. A
     * stop token may come where the answer is complete and as long as {@link #minTokens} says.
     * Where it is complete and the rule allows no further token, it ends with {@link
     * dev.s3llm.observe.FinishReason#STOP} at once, also before the least length. If the rule
     * throws, does not return within 15 to 30 seconds, or allows nothing though the answer is not
     * complete, the request fails.
     *
     * <p>{@link S3Engine#submit} refuses such a request if the executor does not mask tokens
     * ({@link dev.s3llm.execute.ExecutorProfile#masksTokens}), if it decodes on a canvas, or if the
     * shortest answer exceeds the output limit. The longest answer lowers the output limit.
     *
     * @param constraint says which tokens may come next; its bounds are read by {@link #build}
     */
    public Builder tokenConstraint(SequenceStep.TokenConstraint constraint) {
      settings.set("tokenConstraint", constraint);
      return this;
    }

    /**
     * Sets how the output divides into thinking and answer; by default it does not think. Tokens do
     * not depend on it. The lengths of the two are then counted and, if the predictor can,
     * predicted apart ({@link dev.s3llm.predict.LengthPredictor#predictsParts}). An executor that
     * decodes on a canvas ignores it.
     *
     * @param thinking the markers and the budget of the thinking
     */
    public Builder thinking(LengthQuery.Thinking thinking) {
      settings.set("thinking", thinking);
      return this;
    }

    /**
     * Returns a new request with these settings.
     *
     * @throws IllegalArgumentException if the least length exceeds the output limit
     */
    public GenerationRequest build() {
      return new GenerationRequest(this);
    }

    private Builder setName(String field, @Nullable String name) {
      Objects.requireNonNull(name, () -> field + " must not be null");
      Preconditions.checkArgument(
          !name.isEmpty() && name.length() <= MAX_NAME_LENGTH,
          "%s must have 1 to %s characters, but has %s",
          field,
          MAX_NAME_LENGTH,
          name.length());
      Preconditions.checkArgument(
          name.chars().noneMatch(Character::isISOControl),
          "%s must not contain control characters",
          field);
      settings.set(field, name);
      return this;
    }
  }
}
