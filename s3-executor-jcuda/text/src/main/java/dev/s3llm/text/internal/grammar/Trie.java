package dev.s3llm.text.internal.grammar;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The tokens of a vocabulary by their bytes, as a tree in preorder: the children of a node follow
 * it, each with its own children, up to its end. Immutable.
 */
public final class Trie {
  private static final int NONE = -1;

  /** The last byte of the text of each node. */
  final byte[] labels;

  final short[] depths;

  /** The node behind the last one below each node. */
  final int[] ends;

  /** A token with the text of each node, or -1. */
  final int[] tokens;

  /** Another token with the same text, by token, or -1. */
  final int[] twins;

  private final byte[][] texts;
  private final int[] firsts = new int[256];
  private final int longest;

  /**
   * Creates a tree.
   *
   * @param texts the bytes of each token; empty for tokens that must not come. Not copied
   */
  public Trie(byte[][] texts) {
    this.texts = texts;
    int[] sorted =
        IntStream.range(0, texts.length)
            .filter(t -> texts[t].length > 0)
            .boxed()
            .sorted(Comparator.comparing(t -> texts[t], Arrays::compareUnsigned))
            .mapToInt(Integer::intValue)
            .toArray();
    int nodes = 1;
    byte[] before = {};
    int most = 0;
    for (int token : sorted) {
      nodes += texts[token].length - common(before, texts[token]);
      before = texts[token];
      most = Math.max(most, before.length);
    }
    longest = most;
    labels = new byte[nodes];
    depths = new short[nodes];
    ends = new int[nodes];
    tokens = new int[nodes];
    twins = new int[texts.length];
    Arrays.fill(tokens, NONE);
    Arrays.fill(twins, NONE);
    Arrays.fill(firsts, NONE);
    fill(sorted);
  }

  private static int common(byte[] a, byte[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? a.length : mismatch;
  }

  private void fill(int[] sorted) {
    int[] path = new int[longest + 1];
    int size = 1;
    byte[] before = {};
    for (int token : sorted) {
      byte[] text = texts[token];
      int shared = common(before, text);
      for (int d = shared + 1; d <= before.length; d++) {
        ends[path[d]] = size;
      }
      for (int d = shared; d < text.length; d++) {
        labels[size] = text[d];
        depths[size] = (short) (d + 1);
        path[d + 1] = size++;
        if (d == 0) {
          firsts[text[0] & 0xFF] = path[1];
        }
      }
      int node = path[text.length];
      twins[token] = tokens[node];
      tokens[node] = token;
      before = text;
    }
    for (int d = 0; d <= before.length; d++) {
      ends[path[d]] = size;
    }
  }

  /** Returns the number of tokens of the vocabulary. */
  public int vocabulary() {
    return texts.length;
  }

  /** Returns the length of the longest token in bytes. */
  int longest() {
    return longest;
  }

  /** Returns the bytes of a token; empty if it must not come. */
  byte[] text(int token) {
    return token >= 0 && token < texts.length ? texts[token] : new byte[0];
  }

  /** Returns the node of a single byte, or -1. */
  int first(int value) {
    return firsts[value];
  }

  /** Returns whether tokens go on behind a node. */
  boolean hasChildren(int node) {
    return ends[node] > node + 1;
  }

  /** Returns the length of the longest way down from a node. */
  int height(int node) {
    int most = 0;
    for (int i = node + 1; i < ends[node]; i++) {
      most = Math.max(most, depths[i] - depths[node]);
    }
    return most;
  }
}
