package dev.s3llm.testkit;

import java.util.Arrays;
import java.util.function.IntToLongFunction;

/**
 * The canvas of a masked decoder whose tokens are a hash of its KV contents: its length, its number
 * of passes and its tokens follow from the prompt and the seed alone. If no stop token ends the
 * answer, the canvas is doubled. Not thread-safe.
 */
final class HashCanvas {
  private static final int[] LADDER = {1, 2, 4, 8, 16};

  private final int maxNew;
  private final int vocabulary;
  private final int passes;
  private final boolean commitsLate;
  private int length;
  private int pass;
  private int settledBefore;
  private int settled;

  /**
   * Creates the canvas after the prefill.
   *
   * @param prompt hash of the KV contents of the prompt
   * @param maxNew output limit in tokens, at least 1
   * @param vocabulary size of the vocabulary, at least 1
   */
  HashCanvas(long prompt, int maxNew, int vocabulary) {
    this.maxNew = maxNew;
    this.vocabulary = vocabulary;
    this.length = Math.min(maxNew, LADDER[(int) Long.remainderUnsigned(prompt, LADDER.length)]);
    this.passes = 1 + (int) (prompt >>> 40 & 3);
    this.commitsLate = (prompt >>> 50 & 1) == 1;
  }

  /** Returns the number of positions of the canvas. */
  int length() {
    return length;
  }

  /** Returns the number of tokens that have settled. */
  int settled() {
    return settled;
  }

  /** Returns the number of passes until the canvas is filled. */
  int passesLeft() {
    return passes - pass;
  }

  /** Returns what the next pass writes at a position of the canvas. */
  long content(int position) {
    return HashExecutor.mix(position * 31L + length * 1_000_003L + pass);
  }

  /**
   * Makes a pass.
   *
   * @param contents hash of the KV contents of prompt and canvas
   * @return the tokens that settle in this pass
   */
  int[] fill(long contents) {
    pass++;
    int open = length - settledBefore;
    int done = commitsLate ? (pass == passes ? open : 0) : (open * pass + passes - 1) / passes;
    int[] tokens = new int[settledBefore + done - settled];
    for (int i = 0; i < tokens.length; i++) {
      long hash = HashExecutor.mix(contents ^ (settled + i) * 0x9E3779B97F4A7C15L);
      tokens[i] = (int) Long.remainderUnsigned(hash, vocabulary);
    }
    settled += tokens.length;
    if (pass == passes) {
      pass = 0;
      settledBefore = settled;
      length = Math.min(maxNew, 2 * length);
    }
    return tokens;
  }

  /**
   * Returns the answer of a request.
   *
   * @param kv contents of the positions of the prompt
   * @param seed seed of the request
   * @param maxNew output limit in tokens, at least 1
   * @param stops ids of the stop tokens, ascending
   * @param vocabulary size of the vocabulary, at least 1
   */
  static int[] expected(long[] kv, long seed, int maxNew, int[] stops, int vocabulary) {
    long prompt = HashExecutor.hash(seed, kv.length, i -> kv[i]);
    HashCanvas canvas = new HashCanvas(prompt, maxNew, vocabulary);
    int[] output = new int[0];
    while (true) {
      IntToLongFunction contents = i -> i < kv.length ? kv[i] : canvas.content(i);
      int end = kv.length + canvas.length();
      for (int token : canvas.fill(HashExecutor.hash(seed, end, contents))) {
        output = Arrays.copyOf(output, output.length + 1);
        output[output.length - 1] = token;
        if (output.length == maxNew || Arrays.binarySearch(stops, token) >= 0) {
          return output;
        }
      }
    }
  }
}
