package dev.s3llm.predict;

import com.google.common.base.Preconditions;
import java.util.Arrays;

/**
 * A partition of the lengths {@code 1..max} into consecutive buckets. Bucket {@code i} holds the
 * lengths above edge {@code i - 1} and up to edge {@code i}. Immutable and thread-safe.
 */
public final class LengthBuckets {
  private final int[] upperEdges;

  private LengthBuckets(int[] upperEdges) {
    this.upperEdges = upperEdges;
  }

  /**
   * Returns buckets with the given upper edges.
   *
   * @param upperEdges the longest length of each bucket in tokens, strictly ascending, the first at
   *     least 1
   * @throws IllegalArgumentException if there is no edge, or the edges do not ascend strictly from
   *     1
   */
  public static LengthBuckets of(int... upperEdges) {
    Preconditions.checkArgument(upperEdges.length > 0, "upperEdges must not be empty");
    int previous = 0;
    for (int edge : upperEdges) {
      Preconditions.checkArgument(
          edge > previous,
          "upperEdges must ascend strictly from 1, but %s follows %s",
          edge,
          previous);
      previous = edge;
    }
    return new LengthBuckets(upperEdges.clone());
  }

  /**
   * Returns buckets of equal width, up to rounding. The paper (S3, NeurIPS 2023) uses ten.
   *
   * @param maxTokens longest length in tokens, at least {@code count}
   * @param count number of buckets, at least 1
   * @throws IllegalArgumentException if the number of buckets is out of range
   */
  public static LengthBuckets equalWidth(int maxTokens, int count) {
    requireRoom(maxTokens, count);
    int[] edges = new int[count];
    for (int i = 0; i < count; i++) {
      edges[i] = (int) ((long) maxTokens * (i + 1) / count);
    }
    return new LengthBuckets(edges);
  }

  /**
   * Returns buckets whose width grows with the length: one token wide at first, then by a constant
   * factor, up to rounding.
   *
   * @param maxTokens longest length in tokens, at least {@code count}
   * @param count number of buckets, at least 1
   * @throws IllegalArgumentException if the number of buckets is out of range
   */
  public static LengthBuckets logSpaced(int maxTokens, int count) {
    requireRoom(maxTokens, count);
    int[] edges = new int[count];
    int previous = 0;
    for (int i = 0; i < count; i++) {
      double ideal = Math.pow(maxTokens, (i + 1.0) / count);
      int leaveRoom = maxTokens - (count - 1 - i);
      previous = Math.min(leaveRoom, Math.max(previous + 1, (int) Math.round(ideal)));
      edges[i] = previous;
    }
    return new LengthBuckets(edges);
  }

  /** Returns the number of buckets, at least 1. */
  public int count() {
    return upperEdges.length;
  }

  /**
   * Returns the longest length of a bucket, in tokens.
   *
   * @param i index of the bucket, from 0 to {@code count() - 1}
   * @throws IndexOutOfBoundsException if there is no such bucket
   */
  public int upperEdge(int i) {
    return upperEdges[i];
  }

  /**
   * Returns the longest length below a bucket, in tokens; 0 for the first bucket.
   *
   * @param i index of the bucket, from 0 to {@code count() - 1}
   */
  public int lowerEdge(int i) {
    return i == 0 ? 0 : upperEdges[i - 1];
  }

  /** Returns the longest length of all buckets, in tokens. */
  public int maxTokens() {
    return upperEdges[upperEdges.length - 1];
  }

  /**
   * Returns the index of the bucket that holds a length. Lengths out of range fall into the first
   * or the last bucket.
   *
   * @param tokens length in tokens, any value
   */
  public int bucketOf(int tokens) {
    int found = Arrays.binarySearch(upperEdges, tokens);
    return Math.min(found >= 0 ? found : -found - 1, upperEdges.length - 1);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LengthBuckets that && Arrays.equals(upperEdges, that.upperEdges);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(upperEdges);
  }

  @Override
  public String toString() {
    return "LengthBuckets" + Arrays.toString(upperEdges);
  }

  private static void requireRoom(int maxTokens, int count) {
    Preconditions.checkArgument(
        count >= 1 && maxTokens >= count,
        "count must be from 1 to maxTokens, but is %s of %s",
        count,
        maxTokens);
  }
}
