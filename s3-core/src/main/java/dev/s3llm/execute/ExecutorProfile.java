package dev.s3llm.execute;

import com.google.common.base.Preconditions;
import dev.s3llm.support.KvBlocks;
import dev.s3llm.support.Settings;
import java.util.Objects;

/**
 * The KV memory of an executor, its limits, and the costs of recovery on it. Immutable and
 * thread-safe.
 *
 * <pre>{@code
 * ExecutorProfile profile =
 *     ExecutorProfile.builder()
 *         .kvBlocks(1024, 16, 1 << 20)
 *         .maxContextTokens(4096)
 *         .maxTokensPerStep(2048)
 *         .maxSequencesPerStep(128)
 *         .vocabularySize(32_000)
 *         .build();
 * }</pre>
 */
public final class ExecutorProfile {
  /** The most tokens that a step of a sequence may forbid, {@value}. */
  public static final int MOST_FORBIDDEN = 64;

  /** The most alternatives of a token whose log probability a step returns, {@value}. */
  public static final int MOST_LOG_PROBABILITIES = 20;

  private final int blockTokens;
  private final int blockCount;
  private final long bytesPerBlock;
  private final int hostBlockCount;
  private final int maxContextTokens;
  private final int maxTokensPerStep;
  private final int maxSequencesPerStep;
  private final int vocabularySize;
  private final KvGrowth growth;
  private final RecoveryCosts recoveryCosts;
  private final int canvasPasses;
  private final boolean takesInputs;
  private final boolean masksTokens;
  private final boolean reportsLogProbabilities;
  private final boolean sharesPrefixes;
  private final int featureWidth;

  private ExecutorProfile(Settings settings) {
    blockTokens = required(settings, "blockTokens");
    blockCount = required(settings, "blockCount");
    bytesPerBlock = settings.get("bytesPerBlock", () -> 0L);
    hostBlockCount = settings.get("hostBlockCount", () -> 0);
    maxContextTokens = required(settings, "maxContextTokens");
    maxTokensPerStep = required(settings, "maxTokensPerStep");
    maxSequencesPerStep = required(settings, "maxSequencesPerStep");
    vocabularySize = required(settings, "vocabularySize");
    growth = settings.get("growth", () -> KvGrowth.PER_BLOCK);
    recoveryCosts = settings.get("recoveryCosts", () -> RecoveryCosts.UNKNOWN);
    canvasPasses = settings.get("canvasPasses", () -> 0);
    takesInputs = settings.get("takesInputs", () -> false);
    masksTokens = settings.get("masksTokens", () -> false);
    reportsLogProbabilities = settings.get("reportsLogProbabilities", () -> false);
    sharesPrefixes = settings.get("sharesPrefixes", () -> false);
    featureWidth = settings.get("featureWidth", () -> 0);
    Preconditions.checkArgument(
        canvasPasses == 0 || growth == KvGrowth.FIXED_CANVAS,
        "canvasPasses is %s, which needs growth FIXED_CANVAS, but growth is %s",
        canvasPasses,
        growth);
    Preconditions.checkArgument(
        growth != KvGrowth.PER_TOKEN || blockTokens == 1,
        "blockTokens must be 1 with growth PER_TOKEN, but is %s",
        blockTokens);
    Preconditions.checkArgument(
        maxSequencesPerStep <= maxTokensPerStep,
        "maxSequencesPerStep %s exceeds maxTokensPerStep %s: each running sequence decodes one token a step",
        maxSequencesPerStep,
        maxTokensPerStep);
    Math.multiplyExact((long) blockCount, bytesPerBlock); // capacityBytes must not overflow
    Math.multiplyExact((long) hostBlockCount, bytesPerBlock);
  }

  private ExecutorProfile(ExecutorProfile other, RecoveryCosts costs) {
    blockTokens = other.blockTokens;
    blockCount = other.blockCount;
    bytesPerBlock = other.bytesPerBlock;
    hostBlockCount = other.hostBlockCount;
    maxContextTokens = other.maxContextTokens;
    maxTokensPerStep = other.maxTokensPerStep;
    maxSequencesPerStep = other.maxSequencesPerStep;
    vocabularySize = other.vocabularySize;
    growth = other.growth;
    recoveryCosts = costs;
    canvasPasses = other.canvasPasses;
    takesInputs = other.takesInputs;
    masksTokens = other.masksTokens;
    reportsLogProbabilities = other.reportsLogProbabilities;
    sharesPrefixes = other.sharesPrefixes;
    featureWidth = other.featureWidth;
  }

  private static int required(Settings settings, String name) {
    Preconditions.checkArgument(settings.isSet(name), "%s must be set", name);
    return settings.get(name, () -> 0);
  }

  /** How an executor's KV cache grows with the tokens of a sequence. */
  public enum KvGrowth {
    /** One slot at a time: a block holds one token. */
    PER_TOKEN,
    /** One block of several slots at a time (paged KV cache). */
    PER_BLOCK,
    /**
     * Not step by step: what the memory planner reserves is allocated at once, at admission (static
     * cache, or the canvas of a masked decoder). A sequence that needs more than was reserved has
     * outgrown its reservation: it gets at least twice the output slots, in place if the planner
     * agrees and memory has room, or else after a preemption.
     */
    FIXED_CANVAS
  }

  /** Returns a builder of a profile. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the number of token slots of one KV block, at least 1. */
  public int blockTokens() {
    return blockTokens;
  }

  /** Returns the number of KV blocks on the device, at least 1. */
  public int blockCount() {
    return blockCount;
  }

  /** Returns the size of one KV block over all layers, in bytes. */
  public long bytesPerBlock() {
    return bytesPerBlock;
  }

  /** Returns the number of blocks of swap space in host memory; 0 if the executor cannot swap. */
  public int hostBlockCount() {
    return hostBlockCount;
  }

  /** Returns the largest number of tokens of a sequence, prompt included. */
  public int maxContextTokens() {
    return maxContextTokens;
  }

  /** Returns the largest number of tokens that one step computes, prefill and decode together. */
  public int maxTokensPerStep() {
    return maxTokensPerStep;
  }

  /** Returns the largest number of sequences in one step. */
  public int maxSequencesPerStep() {
    return maxSequencesPerStep;
  }

  /** Returns the size of the vocabulary: token ids are in {@code [0, vocabularySize)}. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /** Returns how the KV cache of a sequence grows. */
  public KvGrowth growth() {
    return growth;
  }

  /**
   * Returns the number of passes that a masked decoder usually makes over a canvas, for estimates;
   * 0 if sequences usually decode token by token.
   */
  public int canvasPasses() {
    return canvasPasses;
  }

  /** Returns whether requests may have an opaque input ({@link SequenceStep#input}). */
  public boolean takesInputs() {
    return takesInputs;
  }

  /**
   * Returns whether the executor never draws {@link SequenceStep#forbiddenTokens}, and draws only
   * {@link SequenceStep#allowedTokens}.
   */
  public boolean masksTokens() {
    return masksTokens;
  }

  /** Returns whether the executor returns {@link SequenceStep#logProbabilities}. */
  public boolean reportsLogProbabilities() {
    return reportsLogProbabilities;
  }

  /**
   * Returns whether a sequence may begin with blocks that another one has computed; see {@link
   * Builder#sharesPrefixes}.
   */
  public boolean sharesPrefixes() {
    return sharesPrefixes;
  }

  /**
   * Returns the number of features of a token that a step can return ({@link
   * SequenceStep#wantsFeatures}), such as the width of a hidden state; 0 if it returns none.
   */
  public int featureWidth() {
    return featureWidth;
  }

  /** Returns the costs of swapping and recomputing. */
  public RecoveryCosts recoveryCosts() {
    return recoveryCosts;
  }

  /**
   * Returns the same profile with other costs, for an executor that measures them once its memory
   * is there.
   *
   * @param costs measured or estimated times
   * @throws NullPointerException if the costs are null
   */
  public ExecutorProfile withRecoveryCosts(RecoveryCosts costs) {
    return new ExecutorProfile(this, Objects.requireNonNull(costs, "costs must not be null"));
  }

  /** Returns the number of token slots on the device. */
  public long capacityTokens() {
    return (long) blockCount * blockTokens;
  }

  /** Returns the size of the KV memory on the device, in bytes. */
  public long capacityBytes() {
    return blockCount * bytesPerBlock;
  }

  /**
   * Returns the number of blocks that hold a number of tokens, rounded up.
   *
   * @param tokens number of tokens, 0 or more
   */
  public int blocksFor(int tokens) {
    return KvBlocks.blocksFor(tokens, blockTokens);
  }

  @Override
  public String toString() {
    return "%d KV blocks of %d tokens and %d bytes, %d blocks of swap space, contexts of %d tokens, "
            .formatted(blockCount, blockTokens, bytesPerBlock, hostBlockCount, maxContextTokens)
        + "steps of %d tokens and %d sequences, %d token ids, KV grows %s"
            .formatted(maxTokensPerStep, maxSequencesPerStep, vocabularySize, growth);
  }

  /**
   * Builds a profile. Each setter checks its value at once, and refuses a second call with an
   * {@link IllegalStateException} that names the earlier value. Not thread-safe.
   */
  public static final class Builder {
    private final Settings settings = new Settings();

    private Builder() {}

    /**
     * Sets the KV memory of the device. Required.
     *
     * @param count number of blocks, at least 1
     * @param tokens token slots of a block, at least 1
     * @param bytes size of a block over all layers in bytes, at least 1
     * @throws IllegalArgumentException if a number is below 1
     * @throws IllegalStateException if it was set before
     */
    public Builder kvBlocks(int count, int tokens, long bytes) {
      settings.setAtLeast("blockCount", count, 1);
      settings.setAtLeast("blockTokens", tokens, 1);
      settings.setAtLeast("bytesPerBlock", bytes, 1);
      return this;
    }

    /**
     * Sets the swap space in host memory; none by default.
     *
     * @param count number of blocks, 0 or more; 0 if the executor cannot swap
     * @throws IllegalArgumentException if the number is negative
     * @throws IllegalStateException if it was set before
     */
    public Builder hostBlocks(int count) {
      settings.setAtLeast("hostBlockCount", count, 0);
      return this;
    }

    /**
     * Sets the largest number of tokens of a sequence. Required.
     *
     * @param tokens prompt and output together, at least 1
     * @throws IllegalArgumentException if the number is below 1
     * @throws IllegalStateException if it was set before
     */
    public Builder maxContextTokens(int tokens) {
      settings.setAtLeast("maxContextTokens", tokens, 1);
      return this;
    }

    /**
     * Sets the largest number of tokens that one step computes. Required.
     *
     * @param tokens prefill and decode together, at least 1
     * @throws IllegalArgumentException if the number is below 1
     * @throws IllegalStateException if it was set before
     */
    public Builder maxTokensPerStep(int tokens) {
      settings.setAtLeast("maxTokensPerStep", tokens, 1);
      return this;
    }

    /**
     * Sets the largest number of sequences in one step. Required.
     *
     * @param sequences number of sequences, at least 1 and at most the tokens of a step
     * @throws IllegalArgumentException if the number is below 1
     * @throws IllegalStateException if it was set before
     */
    public Builder maxSequencesPerStep(int sequences) {
      settings.setAtLeast("maxSequencesPerStep", sequences, 1);
      return this;
    }

    /**
     * Sets the size of the vocabulary. Required.
     *
     * @param size number of token ids, at least 1; the ids are in {@code [0, size)}
     * @throws IllegalArgumentException if the size is below 1
     * @throws IllegalStateException if it was set before
     */
    public Builder vocabularySize(int size) {
      settings.setAtLeast("vocabularySize", size, 1);
      return this;
    }

    /**
     * Sets how the KV cache of a sequence grows; {@link KvGrowth#PER_BLOCK} by default.
     *
     * @param growth the way to grow; {@code PER_TOKEN} needs blocks of one token
     * @throws NullPointerException if the growth is null
     * @throws IllegalStateException if it was set before
     */
    public Builder growth(KvGrowth growth) {
      settings.set("growth", growth);
      return this;
    }

    /**
     * Sets the costs of swapping and recomputing; {@link RecoveryCosts#UNKNOWN} by default.
     *
     * @param costs measured or estimated times
     * @throws NullPointerException if the costs are null
     * @throws IllegalStateException if it was set before
     */
    public Builder recoveryCosts(RecoveryCosts costs) {
      settings.set("recoveryCosts", costs);
      return this;
    }

    /**
     * Sets how many passes a masked decoder usually makes over a canvas; 0 by default, for an
     * executor that decodes token by token. Planners and estimates use it until the executor
     * reports the steps that are left ({@link StepResult.Builder#stepsLeft}).
     *
     * @param passes number of passes after the prefill, 0 or more; needs growth {@code
     *     FIXED_CANVAS} if above 0
     * @throws IllegalArgumentException if the number is negative
     * @throws IllegalStateException if it was set before
     */
    public Builder canvasPasses(int passes) {
      settings.setAtLeast("canvasPasses", passes, 0);
      return this;
    }

    /**
     * Sets whether requests may have an opaque input ({@link SequenceStep#input}); false by
     * default, so that such requests are refused.
     *
     * @param takes whether the executor understands the inputs of its users
     * @throws IllegalStateException if it was set before
     */
    public Builder takesInputs(boolean takes) {
      settings.set("takesInputs", takes);
      return this;
    }

    /**
     * Sets whether the executor never draws {@link SequenceStep#forbiddenTokens}, and draws only
     * {@link SequenceStep#allowedTokens}; false by default, so that requests with a least length or
     * a token constraint are refused.
     *
     * @param masks whether the executor masks the tokens before it draws
     * @throws IllegalStateException if it was set before
     */
    public Builder masksTokens(boolean masks) {
      settings.set("masksTokens", masks);
      return this;
    }

    /**
     * Sets whether the executor returns {@link SequenceStep#logProbabilities}; false by default, so
     * that requests for them are refused.
     *
     * @param reports whether results have the log probabilities that sequences request
     * @throws IllegalStateException if it was set before
     */
    public Builder reportsLogProbabilities(boolean reports) {
      settings.set("reportsLogProbabilities", reports);
      return this;
    }

    /**
     * Sets whether a sequence may begin with blocks that another one has computed; false by
     * default. Such a sequence starts at a position above 0 in its first step, with a block table
     * that covers the positions before; several sequences of a step may read the same block, and
     * none writes to it. It needs an executor whose KV at a position depends on the tokens up to
     * there alone, and that keeps nothing else about the tokens of a sequence.
     *
     * @param shares whether the executor allows it
     * @throws IllegalStateException if it was set before
     */
    public Builder sharesPrefixes(boolean shares) {
      settings.set("sharesPrefixes", shares);
      return this;
    }

    /**
     * Sets how many features of a token a step can return ({@link SequenceStep#wantsFeatures}); 0
     * by default, so that none are requested.
     *
     * @param width number of values for each sequence that requests them, 0 or more
     * @throws IllegalArgumentException if the number is negative
     * @throws IllegalStateException if it was set before
     */
    public Builder featureWidth(int width) {
      settings.setAtLeast("featureWidth", width, 0);
      return this;
    }

    /**
     * Returns the profile.
     *
     * @throws IllegalArgumentException if a required setting is missing, {@code PER_TOKEN} is
     *     combined with larger blocks, passes over a canvas are combined with another growth, or a
     *     step has more sequences than tokens; the message names the settings
     * @throws ArithmeticException if the size of device or host memory in bytes exceeds a {@code
     *     long}
     */
    public ExecutorProfile build() {
      return new ExecutorProfile(settings);
    }
  }
}
