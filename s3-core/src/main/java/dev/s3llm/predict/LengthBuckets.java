package dev.s3llm.predict;

import java.util.Arrays;

/**
 * A partition of the lengths {@code 1..max} into consecutive buckets. Bucket {@code i} holds the
 * lengths above edge {@code i - 1} and up to edge {@code i}. Immutable.
 */
public final class LengthBuckets {
  private final int[] upperEdges;

  private LengthBuckets(int[] upperEdges) {
    this.upperEdges = upperEdges;
  }

  /**
   * Buckets with the given upper edges.
   *
   * @param upperEdges ascending, the first at least 1
   * @throws IllegalArgumentException if empty or not strictly ascending
   */
  public static LengthBuckets of(int... upperEdges) {
    if (upperEdges.length == 0) {
      throw new IllegalArgumentException("upperEdges must not be empty");
    }
    int previous = 0;
    for (int edge : upperEdges) {
      if (edge <= previous) {
        throw new IllegalArgumentException(
            "upperEdges must ascend strictly from 1, but " + edge + " follows " + previous);
      }
      previous = edge;
    }
    return new LengthBuckets(upperEdges.clone());
  }

  /** Buckets of equal width, as in the paper (10 of the maximum length). */
  public static LengthBuckets equalWidth(int maxTokens, int count) {
    requireRoom(maxTokens, count);
    int[] edges = new int[count];
    for (int i = 0; i < count; i++) {
      edges[i] = (int) ((long) maxTokens * (i + 1) / count);
    }
    return new LengthBuckets(edges);
  }

  /** Buckets whose width grows with length: one token wide at first, then by a constant factor. */
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

  /** How many buckets there are. */
  public int count() {
    return upperEdges.length;
  }

  /** The longest length of bucket {@code i}. */
  public int upperEdge(int i) {
    return upperEdges[i];
  }

  /** The length below the shortest of bucket {@code i}. */
  public int lowerEdge(int i) {
    return i == 0 ? 0 : upperEdges[i - 1];
  }

  /** The longest length of all. */
  public int maxTokens() {
    return upperEdges[upperEdges.length - 1];
  }

  /** The bucket of a length; lengths out of range fall into the first or the last. */
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
    if (count < 1 || maxTokens < count) {
      throw new IllegalArgumentException(
          "count must be from 1 to maxTokens, but is " + count + " of " + maxTokens);
    }
  }
}
