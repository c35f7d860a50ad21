package dev.s3llm.memory;

import com.google.common.base.Preconditions;
import java.time.Duration;
import java.util.Objects;

/**
 * Whether requests that begin alike share KV blocks, and which blocks are kept when their last
 * request has ended.
 *
 * <p>Full blocks with the same tokens from the first one on are computed once and counted once, for
 * requests of the same scope: the tenant, or the salt that requests name on purpose. A block
 * without a request stays in memory as long as nobody needs its room, and leaves in the given
 * order. The tokens of an answer never depend on it.
 *
 * <p>Immutable and thread-safe.
 */
public final class PrefixSharing {
  /** The order in which kept blocks are forgotten. */
  public enum Forgetting {
    /** The block whose last use is the longest ago. */
    LEAST_RECENTLY_USED,
    /**
     * The block whose return is worth least: what computing it again would cost, times the chance
     * that it comes back, over the room that it takes until then. The chance is learned online.
     */
    EXPECTED_VALUE
  }

  private static final double DEFAULT_HOST_SHARE = 0.5;
  private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

  private final boolean enabled;
  private final Forgetting forgetting;
  private final long maxKeptTokens;
  private final Duration maxAge;
  private final double hostShare;

  private PrefixSharing(
      boolean enabled,
      Forgetting forgetting,
      long maxKeptTokens,
      Duration maxAge,
      double hostShare) {
    this.enabled = enabled;
    this.forgetting = forgetting;
    this.maxKeptTokens = maxKeptTokens;
    this.maxAge = maxAge;
    this.hostShare = hostShare;
  }

  /** Returns the setting in which no request shares blocks, and none are kept. */
  public static PrefixSharing none() {
    return new PrefixSharing(false, Forgetting.LEAST_RECENTLY_USED, 0, FOREVER, 0);
  }

  /**
   * Returns the setting in which requests share blocks, and as many are kept as memory has room
   * for.
   *
   * @param forgetting the order in which kept blocks are forgotten
   * @throws NullPointerException if the order is null
   */
  public static PrefixSharing keeping(Forgetting forgetting) {
    Objects.requireNonNull(forgetting, "forgetting must not be null");
    return new PrefixSharing(true, forgetting, Long.MAX_VALUE, FOREVER, DEFAULT_HOST_SHARE);
  }

  /**
   * Returns the same setting with a limit on what is kept beside the running sequences.
   *
   * @param tokens the most tokens that are kept, 0 or more; with 0, only requests that run at the
   *     same time share
   * @throws IllegalArgumentException if the number is negative
   */
  public PrefixSharing maxKeptTokens(long tokens) {
    Preconditions.checkArgument(tokens >= 0, "maxKeptTokens must be at least 0, but is %s", tokens);
    return new PrefixSharing(enabled, forgetting, tokens, maxAge, hostShare);
  }

  /**
   * Returns the same setting with a limit on the age of what is kept.
   *
   * @param age time since its last use after which a block is dropped; positive
   * @throws NullPointerException if the age is null
   * @throws IllegalArgumentException if the age is zero or negative
   */
  public PrefixSharing maxAge(Duration age) {
    Objects.requireNonNull(age, "maxAge must not be null");
    Preconditions.checkArgument(
        !age.isZero() && !age.isNegative(), "maxAge must be positive, but is %s", age);
    return new PrefixSharing(enabled, forgetting, maxKeptTokens, age, hostShare);
  }

  /**
   * Returns the same setting with another part of the executor's swap space for blocks that are
   * forgotten on the device. They are copied back when a request begins with their tokens. By
   * default it is the half, if copying a block back takes less time than computing it ({@link
   * dev.s3llm.execute.RecoveryCosts}); else nothing is stored, whatever the setting.
   *
   * @param share part of the swap space, from 0 to 1; preempted requests have the rest
   * @throws IllegalArgumentException if the share is out of range
   */
  public PrefixSharing hostShare(double share) {
    Preconditions.checkArgument(
        share >= 0 && share <= 1, "hostShare must be from 0 to 1, but is %s", share);
    return new PrefixSharing(enabled, forgetting, maxKeptTokens, maxAge, share);
  }

  /** Returns whether requests share blocks. */
  public boolean enabled() {
    return enabled;
  }

  /** Returns the order in which kept blocks are forgotten. */
  public Forgetting forgetting() {
    return forgetting;
  }

  /** Returns the most tokens that are kept beside the running sequences, 0 or more. */
  public long maxKeptTokens() {
    return maxKeptTokens;
  }

  /** Returns the time since its last use after which a block is dropped; longer than any run. */
  public Duration maxAge() {
    return maxAge;
  }

  /** Returns the part of the swap space that keeps forgotten blocks, from 0 to 1. */
  public double hostShare() {
    return hostShare;
  }

  @Override
  public String toString() {
    return enabled
        ? "sharing, kept: %d tokens, %s first".formatted(maxKeptTokens, forgetting)
        : "no sharing";
  }
}
