package dev.s3llm.execute;

import com.google.common.base.Preconditions;
import dev.s3llm.support.KvBlocks;
import dev.s3llm.support.Settings;

/**
 * What an executor offers: its KV memory, its limits, and what recovery costs on it. Immutable and
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
    Preconditions.checkArgument(
        growth != KvGrowth.PER_TOKEN || blockTokens == 1,
        "blockTokens must be 1 with growth PER_TOKEN, but is %s",
        blockTokens);
    Preconditions.checkArgument(
        maxSequencesPerStep <= maxTokensPerStep,
        "maxSequencesPerStep %s exceeds maxTokensPerStep %s: each running sequence decodes one token a step",
        maxSequencesPerStep,
        maxTokensPerStep);
    Math.multiplyExact((long) blockCount, bytesPerBlock);
    Math.multiplyExact((long) hostBlockCount, bytesPerBlock);
  }

  private static int required(Settings settings, String name) {
    Preconditions.checkArgument(settings.isSet(name), "%s must be set", name);
    return settings.get(name, () -> 0);
  }

  /** How an executor's KV cache grows with the tokens of a sequence. */
  public enum KvGrowth {
    /** One slot for each token: the block size is one. */
    PER_TOKEN,
    /** One block of several slots at a time (paged KV). */
    PER_BLOCK,
    /** Prompt and limit are reserved whole at admission and never grow (static caches). */
    FIXED_CANVAS
  }

  /** Returns a builder of a profile. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the token slots of one KV block. */
  public int blockTokens() {
    return blockTokens;
  }

  /** Returns the number of KV blocks on the device. */
  public int blockCount() {
    return blockCount;
  }

  /** Returns the bytes of one KV block over all layers. */
  public long bytesPerBlock() {
    return bytesPerBlock;
  }

  /** Returns the number of blocks of swap space in host memory; 0 if the executor cannot swap. */
  public int hostBlockCount() {
    return hostBlockCount;
  }

  /** Returns the tokens of the longest sequence that the model can attend to, prompt included. */
  public int maxContextTokens() {
    return maxContextTokens;
  }

  /** Returns the token budget of one step, prefill and decode together. */
  public int maxTokensPerStep() {
    return maxTokensPerStep;
  }

  /** Returns the most sequences of one step. */
  public int maxSequencesPerStep() {
    return maxSequencesPerStep;
  }

  /** Returns the size of the vocabulary: token ids are in {@code [0, vocabularySize)}. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /** Returns how KV grows. */
  public KvGrowth growth() {
    return growth;
  }

  /** Returns what swapping and recomputing cost. */
  public RecoveryCosts recoveryCosts() {
    return recoveryCosts;
  }

  /** Returns the token slots on the device. */
  public long capacityTokens() {
    return (long) blockCount * blockTokens;
  }

  /** Returns the bytes of KV memory on the device. */
  public long capacityBytes() {
    return blockCount * bytesPerBlock;
  }

  /**
   * Returns the number of blocks that hold a number of tokens, rounded up.
   *
   * @param tokens 0 or more
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
     * @param count blocks, at least 1
     * @param tokens token slots of a block, at least 1
     * @param bytes bytes of a block over all layers, at least 1
     * @throws IllegalArgumentException if a number is below 1
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
     * @param count blocks, 0 or more
     * @throws IllegalArgumentException if the number is negative
     */
    public Builder hostBlocks(int count) {
      settings.setAtLeast("hostBlockCount", count, 0);
      return this;
    }

    /**
     * Sets the longest sequence that the model can attend to. Required.
     *
     * @param tokens prompt included, at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxContextTokens(int tokens) {
      settings.setAtLeast("maxContextTokens", tokens, 1);
      return this;
    }

    /**
     * Sets the token budget of one step. Required.
     *
     * @param tokens prefill and decode together, at least 1
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxTokensPerStep(int tokens) {
      settings.setAtLeast("maxTokensPerStep", tokens, 1);
      return this;
    }

    /**
     * Sets the most sequences of one step. Required.
     *
     * @param sequences at least 1, and at most the token budget of a step
     * @throws IllegalArgumentException if the number is below 1
     */
    public Builder maxSequencesPerStep(int sequences) {
      settings.setAtLeast("maxSequencesPerStep", sequences, 1);
      return this;
    }

    /**
     * Sets the size of the vocabulary. Required.
     *
     * @param size token ids are in {@code [0, size)}; at least 1
     * @throws IllegalArgumentException if the size is below 1
     */
    public Builder vocabularySize(int size) {
      settings.setAtLeast("vocabularySize", size, 1);
      return this;
    }

    /**
     * Sets how KV grows; {@link KvGrowth#PER_BLOCK} by default.
     *
     * @param growth how; {@code PER_TOKEN} needs blocks of one token
     */
    public Builder growth(KvGrowth growth) {
      settings.set("growth", growth);
      return this;
    }

    /**
     * Sets what swapping and recomputing cost; {@link RecoveryCosts#UNKNOWN} by default.
     *
     * @param costs measured or estimated times
     */
    public Builder recoveryCosts(RecoveryCosts costs) {
      settings.set("recoveryCosts", costs);
      return this;
    }

    /**
     * Returns the profile.
     *
     * @throws IllegalArgumentException if a required setting is missing or settings contradict one
     *     another; the message names them
     * @throws ArithmeticException if the bytes of a memory exceed a {@code long}
     */
    public ExecutorProfile build() {
      return new ExecutorProfile(settings);
    }
  }
}
