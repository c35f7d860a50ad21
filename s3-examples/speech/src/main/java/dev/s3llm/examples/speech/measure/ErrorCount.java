package dev.s3llm.examples.speech.measure;

import java.util.List;

/** Counts the errors of texts against the true ones, in characters and in words. */
public final class ErrorCount {
  private long characters;
  private long wrongCharacters;
  private long words;
  private long wrongWords;
  private long lengthErrors;
  private int texts;
  private int exact;

  /** Starts without texts. */
  public ErrorCount() {}

  /**
   * Counts a text.
   *
   * @param truth the true text
   * @param text the text that was found
   */
  public void add(String truth, String text) {
    texts++;
    exact += truth.equals(text) ? 1 : 0;
    characters += truth.length();
    wrongCharacters += distance(characters(truth), characters(text));
    words += words(truth).size();
    wrongWords += distance(words(truth), words(text));
    lengthErrors += Math.abs(truth.length() - text.length());
  }

  private static List<Integer> characters(String text) {
    return text.chars().boxed().toList();
  }

  private static List<String> words(String text) {
    return text.isBlank() ? List.of() : List.of(text.strip().split(" +"));
  }

  /**
   * Returns the edit distance: the least number of insertions, deletions and replacements that make
   * one list of the other.
   *
   * @param a a list
   * @param b a list
   */
  static int distance(List<?> a, List<?> b) {
    int[] row = new int[b.size() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.size(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int replaced = diagonal + (a.get(i - 1).equals(b.get(j - 1)) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.size()];
  }

  /** Returns the number of texts. */
  public int texts() {
    return texts;
  }

  /** Returns the number of texts without an error. */
  public int exact() {
    return exact;
  }

  /** Returns the wrong characters for each true one, in percent; NaN without a character. */
  public double charactersWrongPercent() {
    return 100.0 * wrongCharacters / characters;
  }

  /** Returns the wrong words for each true one, in percent; NaN without a word. */
  public double wordsWrongPercent() {
    return 100.0 * wrongWords / words;
  }

  /** Returns the mean absolute difference of the lengths, in characters; NaN without a text. */
  public double meanLengthError() {
    return (double) lengthErrors / texts;
  }
}
