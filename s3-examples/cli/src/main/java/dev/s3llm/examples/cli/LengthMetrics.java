package dev.s3llm.examples.cli;

import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthPrediction;
import java.util.ArrayList;
import java.util.List;

/** How good predictions of length were. */
final class LengthMetrics {
  private static final int PAPER_BUCKETS = 10;

  private final LengthBuckets paper;
  private final List<LengthPrediction> predictions = new ArrayList<>();
  private final List<Integer> actuals = new ArrayList<>();

  /** Starts to measure answers of up to this many tokens. */
  LengthMetrics(int maxTokens) {
    this.paper = LengthBuckets.equalWidth(maxTokens, Math.min(PAPER_BUCKETS, maxTokens));
  }

  void add(LengthPrediction prediction, int actual) {
    predictions.add(prediction);
    actuals.add(actual);
  }

  /** Mean absolute error of the median. */
  double meanAbsoluteError() {
    double sum = 0;
    for (int i = 0; i < actuals.size(); i++) {
      sum += Math.abs(predictions.get(i).quantile(0.5) - actuals.get(i));
    }
    return sum / actuals.size();
  }

  /** The share of answers within a predicted quantile. */
  double coverage(double p) {
    int covered = 0;
    for (int i = 0; i < actuals.size(); i++) {
      covered += actuals.get(i) <= predictions.get(i).quantile(p) ? 1 : 0;
    }
    return (double) covered / actuals.size();
  }

  /** Mean of a predicted quantile over mean length: what reserving by it costs. */
  double reservedOverUsed(double p) {
    double reserved = predictions.stream().mapToInt(l -> l.quantile(p)).sum();
    return reserved / actuals.stream().mapToInt(Integer::intValue).sum();
  }

  /** How often the likeliest of the paper's ten equal buckets is the right one. */
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

  /** Kendall's tau-b between predicted mean and length: 1 for the right order, 0 for none. */
  double kendallTau() {
    double[] means = predictions.stream().mapToDouble(LengthPrediction::mean).toArray();
    int[] lengths = actuals.stream().mapToInt(Integer::intValue).toArray();
    long agree = 0;
    long tiedMeans = 0;
    long tiedLengths = 0;
    for (int i = 0; i < lengths.length; i++) {
      for (int j = 0; j < i; j++) {
        int byMean = Double.compare(means[i], means[j]);
        int byLength = Integer.compare(lengths[i], lengths[j]);
        agree += (long) byMean * byLength;
        tiedMeans += byMean == 0 ? 1 : 0;
        tiedLengths += byLength == 0 ? 1 : 0;
      }
    }
    double pairs = lengths.length * (lengths.length - 1.0) / 2;
    double comparable = Math.sqrt((pairs - tiedMeans) * (pairs - tiedLengths));
    return comparable == 0 ? 0 : agree / comparable;
  }
}
