package dev.s3llm.model.speech;

import java.util.Arrays;

/**
 * What is known of one recording's text: the ids at the positions of its canvas with their
 * confidences, the length once a pass has found it, and the prefix that never changes again. Not
 * thread-safe.
 *
 * <p>A strategy without a canvas appends to the text ({@link #append}); its size stays 0.
 */
final class Canvas {
  private static final int UNKNOWN = -1;

  private final SpeechConfig config;
  private final int limit;
  private final int passes;
  private int[] ids = new int[0];
  private float[] confidences = new float[0];
  private int size;
  private int estimate;
  private int length = UNKNOWN;
  private int masked;
  private int settled;
  private boolean finished;
  private int perPass = 1;
  private int pass;
  private int allPasses;
  private int doublings;

  /** Positions with their confidences, sortable: the most confident first, of equals the lower. */
  private long[] ranking = new long[0];

  private int ranked;

  /**
   * Creates an empty canvas.
   *
   * @param config the model's shape
   * @param limit most positions, at least 1
   * @param passes number of passes of the strategy, at least 1
   */
  Canvas(SpeechConfig config, int limit, int passes) {
    this.config = config;
    this.limit = limit;
    this.passes = passes;
  }

  // ---- size and length

  /**
   * Opens the canvas, all masked, on the first rung of the ladder that holds a text and some room.
   *
   * @param characters estimated length of the text, 0 or more
   */
  void openFor(int characters) {
    estimate = Math.min(characters, limit);
    open(Math.min(limit, config.canvasFor(characters)));
  }

  private void open(int positions) {
    size = positions;
    ids = new int[size];
    Arrays.fill(ids, config.maskId());
    confidences = new float[size];
    ranking = new long[size];
    pass = 0;
  }

  /**
   * Finds the length of the text if it is not known. If no end falls on the canvas, doubles it,
   * unless it is as large as it may be; then the text fills it.
   *
   * @return whether the length is known now
   */
  boolean measure(Scores scores) {
    if (measured()) {
      return true;
    }
    int found = scores.length();
    if (found == size && size < limit) {
      doublings++;
      open((int) Math.min(limit, 2L * size));
      return false;
    }
    setLength(found);
    setPerPass(found);
    return true;
  }

  /** Sets the length: the positions behind it become the end for good. */
  void setLength(int characters) {
    length = characters;
    masked = characters;
    Arrays.fill(ids, characters, size, config.endId());
  }

  /** Sets how many positions a pass fills, so that all passes together fill so many. */
  void setPerPass(int positions) {
    perPass = Math.max(1, EasyFirst.ceilDiv(positions, passes));
  }

  // ---- positions

  /** Fills a masked position. */
  void fill(int position, int id, float confidence) {
    ids[position] = id;
    confidences[position] = confidence;
    masked--;
  }

  /** Masks a filled position. */
  void mask(int position) {
    ids[position] = config.maskId();
    masked++;
  }

  /** Returns whether a position is masked. */
  boolean masked(int position) {
    return ids[position] == config.maskId();
  }

  /** Declares the filled prefix final; finishes the text if no position is masked. */
  void settle() {
    while (settled < length && !masked(settled)) {
      settled++;
    }
    finished = settled == length;
  }

  /** Appends a character to the text of a strategy without a canvas. */
  void append(int id) {
    if (settled == ids.length) {
      ids = Arrays.copyOf(ids, Math.max(16, 2 * settled));
    }
    ids[settled++] = id;
  }

  /** Finishes the text of a strategy without a canvas. */
  void finish() {
    finished = true;
  }

  // ---- ranking

  /** Ranks the masked positions by the confidence of their likeliest character. */
  void rankMasked(Scores scores) {
    ranked = 0;
    for (int p = settled; p < length; p++) {
      if (masked(p)) {
        rank(p, scores.probability(p, scores.character(p)));
      }
    }
    Arrays.sort(ranking, 0, ranked);
  }

  /** Ranks the filled positions by their confidence. */
  void rankFilled() {
    ranked = 0;
    for (int p = 0; p < length; p++) {
      if (!masked(p)) {
        rank(p, confidences[p]);
      }
    }
    Arrays.sort(ranking, 0, ranked);
  }

  private void rank(int position, float confidence) {
    long bits = Float.floatToIntBits(confidence); // ascends with a confidence of 0 or more
    ranking[ranked++] = (Integer.MAX_VALUE - bits) << 32 | position;
  }

  /** Returns the number of ranked positions. */
  int ranked() {
    return ranked;
  }

  /** Returns the position of a rank, the most confident at 0. */
  int ranked(int rank) {
    return (int) ranking[rank];
  }

  /** Returns the confidence at a rank. */
  float rankedConfidence(int rank) {
    return Float.intBitsToFloat((int) (Integer.MAX_VALUE - (ranking[rank] >>> 32)));
  }

  // ---- progress

  /** Counts a pass. */
  void passMade() {
    pass++;
    allPasses++;
  }

  /** Returns the passes over the canvas of this size. */
  int pass() {
    return pass;
  }

  /** Returns the passes over canvases of all sizes. */
  int allPasses() {
    return allPasses;
  }

  /** Returns the strategy's number of passes. */
  int passes() {
    return passes;
  }

  /** Returns how often the canvas was doubled. */
  int doublings() {
    return doublings;
  }

  /** Returns the number of positions; 0 without a canvas. */
  int size() {
    return size;
  }

  /** Returns the estimate of the length for which the canvas was opened. */
  int estimate() {
    return estimate;
  }

  /** Returns whether the length is known. */
  boolean measured() {
    return length != UNKNOWN;
  }

  /** Returns the length of the text; -1 if it is not known. */
  int length() {
    return length;
  }

  /** Returns the number of masked positions before the end, once the length is known. */
  int masked() {
    return masked;
  }

  /** Returns how many positions a pass of easy first fills. */
  int perPass() {
    return perPass;
  }

  /** Returns the number of leading characters that never change again. */
  int settled() {
    return settled;
  }

  /** Returns whether all characters have settled and the end follows. */
  boolean finished() {
    return finished;
  }

  /** Returns the ids of the canvas, or the text without one; the array itself. */
  int[] ids() {
    return ids;
  }

  /** Returns the confidences at the positions of the canvas; the array itself. */
  float[] confidences() {
    return confidences;
  }

  /** Returns the id of the end. */
  int endId() {
    return config.endId();
  }
}
