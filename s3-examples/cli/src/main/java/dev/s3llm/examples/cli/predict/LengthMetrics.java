package dev.s3llm.examples.cli.predict;

import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthPrediction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Measures the quality of length predictions against the actual lengths. */
final class LengthMetrics {
  private static final int PAPER_BUCKETS = 10;

  private final LengthBuckets paper;
  private final List<LengthPrediction> predictions = new ArrayList<>();
  private final List<Integer> actuals = new ArrayList<>();
  private final Map<String, List<Integer>> rowsByKind = new TreeMap<>();

  /**
   * Creates a measurement without predictions.
   *
   * @param maxTokens the longest answer, at least 1
   */
  LengthMetrics(int maxTokens) {
    this.paper = LengthBuckets.equalWidth(maxTokens, Math.min(PAPER_BUCKETS, maxTokens));
  }

  /**
   * Adds an answer.
   *
   * @param kind the kind of the prompt
   * @param prediction the predicted length
   * @param actual the actual length in tokens
   */
  void add(String kind, LengthPrediction prediction, int actual) {
    rowsByKind.computeIfAbsent(kind, unused -> new ArrayList<>()).add(actuals.size());
    predictions.add(prediction);
    actuals.add(actual);
  }

  /** Returns the mean absolute error of the predicted median, in tokens. */
  double meanAbsoluteError() {
    double sum = 0;
    for (int i = 0; i < actuals.size(); i++) {
      sum += Math.abs(predictions.get(i).quantile(0.5) - actuals.get(i));
    }
    return sum / actuals.size();
  }

  /** Returns the share of answers, from 0 to 1, that are no longer than the predicted quantile. */
  double coverage(double p) {
    int covered = 0;
    for (int i = 0; i < actuals.size(); i++) {
      covered += actuals.get(i) <= predictions.get(i).quantile(p) ? 1 : 0;
    }
    return (double) covered / actuals.size();
  }

  /** Returns the mean of a predicted quantile over the mean length: the cost of reserving by it. */
  double reservedOverUsed(double p) {
    double reserved = predictions.stream().mapToInt(l -> l.quantile(p)).sum();
    return reserved / actuals.stream().mapToInt(Integer::intValue).sum();
  }

  /**
   * Returns the share of answers whose bucket, of the paper's ten equal ones, was the likeliest.
   */
  double bucketAccuracy() {
    int right = 0;
    for (int i = 0; i < actuals.size(); i++) {
      right += likeliest(predictions.get(i)) == paper.bucketOf(actuals.get(i)) ? 1 : 0;
    }
    return (double) right / actuals.size();
  }

  private int likeliest(LengthPrediction prediction) {
    int best = 0;
    double most = -1;
    for (int i = 0; i < paper.count(); i++) {
      double share =
          prediction.survival(paper.lowerEdge(i)) - prediction.survival(paper.upperEdge(i));
      if (share > most) {
        most = share;
        best = i;
      }
    }
    return best;
  }

  /**
   * Returns Kendall's tau-b of predicted median and length: 1 for the same order, 0 for no
   * relation.
   */
  double kendallTau() {
    return kendallTau(IntStream.range(0, actuals.size()).boxed().toList());
  }

  /** Returns the mean over the kinds of prompts of Kendall's tau-b between answers of one kind. */
  double kendallTauWithinKinds() {
    return rowsByKind.values().stream().mapToDouble(this::kendallTau).average().orElse(0);
  }

  private double kendallTau(List<Integer> rows) {
    int[] medians = rows.stream().mapToInt(i -> predictions.get(i).quantile(0.5)).toArray();
    int[] lengths = rows.stream().mapToInt(actuals::get).toArray();
    long agree = 0;
    long tiedMedians = 0;
    long tiedLengths = 0;
    for (int i = 0; i < lengths.length; i++) {
      for (int j = 0; j < i; j++) {
        int byMedian = Integer.compare(medians[i], medians[j]);
        int byLength = Integer.compare(lengths[i], lengths[j]);
        agree += (long) byMedian * byLength;
        tiedMedians += byMedian == 0 ? 1 : 0;
        tiedLengths += byLength == 0 ? 1 : 0;
      }
    }
    double pairs = lengths.length * (lengths.length - 1.0) / 2;
    double comparable = Math.sqrt((pairs - tiedMedians) * (pairs - tiedLengths));
    return comparable == 0 ? 0 : agree / comparable;
  }
}
