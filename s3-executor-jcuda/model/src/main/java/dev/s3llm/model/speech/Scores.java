package dev.s3llm.model.speech;

/**
 * The logits of the rows of one canvas, and what follows from them. Probabilities are those of the
 * softmax over all ids, rounded to float as the training computed them, so that what was equal
 * there is equal here. Reused for many canvases; not thread-safe.
 */
final class Scores {
  /** The probability of an end is limited to this and its complement. */
  private static final float LEAST_END = 1e-6f;

  private static final float MOST_END = (float) (1 - 1e-6);

  private final int vocabulary;
  private final int endId;
  private final int firstCharacter;
  private float[] logits = new float[0];
  private int start;
  private int rows;
  private double[] ends = new double[0];
  private double[] after = new double[0];

  /**
   * Creates the view without rows.
   *
   * @param config the model's shape
   */
  Scores(SpeechConfig config) {
    vocabulary = config.vocabularySize();
    endId = config.endId();
    firstCharacter = config.firstCharacterId();
  }

  /**
   * Sets the rows.
   *
   * @param values logits, {@code [row][vocabulary]}
   * @param firstRow first row of the canvas
   * @param count number of its rows, at least 1
   */
  void set(float[] values, int firstRow, int count) {
    logits = values;
    start = Math.multiplyExact(firstRow, vocabulary);
    rows = count;
  }

  /** Returns the number of rows. */
  int rows() {
    return rows;
  }

  /** Returns the likeliest character of a row; of equals the one with the lowest id. */
  int character(int row) {
    int at = at(row);
    int best = firstCharacter;
    for (int id = best + 1; id < vocabulary; id++) {
      if (logits[at + id] > logits[at + best]) {
        best = id;
      }
    }
    return best;
  }

  /** Returns the likeliest of the end and the characters; of equals the one with the lowest id. */
  int next(int row) {
    int character = character(row);
    return logits[at(row) + character] > logits[at(row) + endId] ? character : endId;
  }

  /** Returns the probability of an id in a row. */
  float probability(int row, int id) {
    return probability(logits, at(row), vocabulary, id);
  }

  /**
   * Returns the probability of an id in the softmax of a row.
   *
   * @param logits the logits
   * @param at index of the row's first logit
   * @param vocabulary number of logits of the row
   * @param id the id
   */
  static float probability(float[] logits, int at, int vocabulary, int id) {
    float logit = logits[at + id];
    double sum = 0;
    for (int other = 0; other < vocabulary; other++) {
      sum += Math.exp((double) logits[at + other] - logit);
    }
    return (float) (1 / sum);
  }

  /**
   * Returns the likeliest length of the text: with {@code e[p]} for the probability of the end in
   * row {@code p}, the {@code n} with the greatest sum over {@code p < n} of {@code log(1 - e[p])}
   * plus the sum over {@code p >= n} of {@code log e[p]}; of equals the smallest. The number of
   * rows means that no end falls on the canvas.
   */
  int length() {
    if (ends.length < rows) {
      ends = new double[rows];
      after = new double[rows + 1];
    }
    after[rows] = 0;
    for (int p = rows - 1; p >= 0; p--) {
      ends[p] = end(p);
      after[p] = after[p + 1] + Math.log(ends[p]);
    }
    int best = 0;
    double greatest = after[0];
    double before = 0;
    for (int n = 1; n <= rows; n++) {
      before += Math.log(1 - ends[n - 1]);
      if (before + after[n] > greatest) {
        greatest = before + after[n];
        best = n;
      }
    }
    return best;
  }

  private double end(int row) {
    return Math.min(Math.max(probability(row, endId), LEAST_END), MOST_END);
  }

  private int at(int row) {
    return start + row * vocabulary;
  }
}
