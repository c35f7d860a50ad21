package dev.s3llm.examples.cli.predict;

import dev.s3llm.predict.LengthPrediction;

/** Draws a predicted distribution as bars of text. */
final class Histogram {
  private static final int BARS = 12;
  private static final int WIDTH = 40;

  private Histogram() {}

  static String of(LengthPrediction prediction) {
    double[] shares = new double[BARS];
    int[] edges = new int[BARS + 1];
    double highest = 0;
    for (int i = 0; i < BARS; i++) {
      edges[i + 1] = (int) ((long) prediction.maxTokens() * (i + 1) / BARS);
      shares[i] = prediction.survival(edges[i]) - prediction.survival(edges[i + 1]);
      highest = Math.max(highest, shares[i]);
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < BARS; i++) {
      if (edges[i + 1] > edges[i]) {
        text.append(
            "%6d to %-6d %5.1f %% %s%n"
                .formatted(
                    edges[i] + 1,
                    edges[i + 1],
                    100 * shares[i],
                    "#".repeat((int) Math.round(WIDTH * shares[i] / highest))));
      }
    }
    return text.toString();
  }
}
