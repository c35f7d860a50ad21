package dev.s3llm.examples.cli.predict;

import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares the length model with predictors that need less: the model with online calibration, the
 * empirical predictor (both learn row by row), the prompt's length, and a constant (both know the
 * lengths of the other half of the rows).
 */
final class LengthEvaluation {
  private static final int PROMPT_GROUPS = 20;

  private final List<LengthRow> rows;
  private final int maxTokens;
  private final Map<String, LengthMetrics> metrics = new LinkedHashMap<>();

  LengthEvaluation(OnnxLengthPredictor model, List<LengthRow> rows, int maxTokens) {
    this.rows = rows;
    this.maxTokens = maxTokens;
    LengthPredictor frozen =
        query -> model.predict(query); // without feedback, so that the model stays as trained
    measure("onnx", frozen);
    measure("onnx, calibrated", new CalibratedPredictor(frozen));
    measure("empirical", new EmpiricalLengthPredictor());
    baseline("prompt length", PROMPT_GROUPS);
    baseline("constant", 1);
  }

  private void measure(String name, LengthPredictor predictor) {
    LengthMetrics measured = new LengthMetrics(maxTokens);
    for (LengthRow row : rows) {
      int actual = Math.min(row.outputTokens(), maxTokens);
      LengthQuery query = new LengthQuery(1, row.prompt(), null, 0, maxTokens);
      LengthPrediction prediction = predictor.predict(query).toCompletableFuture().join();
      measured.add(row.kind(), prediction, actual);
      boolean cut = row.outputTokens() >= maxTokens;
      predictor.observe(new LengthFeedback(query, prediction, actual, cut));
    }
    metrics.put(name, measured);
  }

  /**
   * Predicts for each row the lengths of those rows in the other half whose prompts are as long.
   */
  private void baseline(String name, int groups) {
    LengthMetrics measured = new LengthMetrics(maxTokens);
    int[] cuts = cuts(groups);
    EmpiricalLengthPredictor[][] learned = new EmpiricalLengthPredictor[2][groups];
    for (EmpiricalLengthPredictor[] half : learned) {
      Arrays.setAll(half, i -> new EmpiricalLengthPredictor());
    }
    for (int i = 0; i < rows.size(); i++) {
      LengthQuery query = new LengthQuery(1, null, null, 0, maxTokens);
      int actual = Math.min(rows.get(i).outputTokens(), maxTokens);
      LengthPrediction unused = LengthPrediction.uniform(maxTokens);
      learned[i % 2][group(rows.get(i), cuts)].observe(
          new LengthFeedback(query, unused, actual, false));
    }
    for (int i = 0; i < rows.size(); i++) {
      LengthQuery query = new LengthQuery(1, null, null, 0, maxTokens);
      LengthRow row = rows.get(i);
      LengthPrediction prediction = learned[1 - i % 2][group(row, cuts)].predictNow(query);
      measured.add(row.kind(), prediction, Math.min(row.outputTokens(), maxTokens));
    }
    metrics.put(name, measured);
  }

  private static int group(LengthRow row, int[] cuts) {
    int found = Arrays.binarySearch(cuts, row.prompt().length());
    return found < 0 ? -found - 1 : found;
  }

  private int[] cuts(int groups) {
    int[] lengths = rows.stream().mapToInt(row -> row.prompt().length()).sorted().toArray();
    int[] cuts = new int[groups - 1];
    for (int i = 0; i < cuts.length; i++) {
      cuts[i] = lengths[(int) ((long) lengths.length * (i + 1) / groups)];
    }
    return cuts;
  }

  String table() {
    StringBuilder text =
        new StringBuilder(
            "%-17s %7s %6s %6s %9s %9s %9s %9s %9s %8s%n"
                .formatted(
                    "predictor",
                    "MAE",
                    "tau",
                    "within",
                    "p50 cover",
                    "p90 cover",
                    "p99 cover",
                    "p50 r/u",
                    "p90 r/u",
                    "bucket"));
    metrics.forEach(
        (name, m) ->
            text.append(
                "%-17s %7.2f %6.3f %6.3f %8.1f%% %8.1f%% %8.1f%% %9.2f %9.2f %7.1f%%%n"
                    .formatted(
                        name,
                        m.meanAbsoluteError(),
                        m.kendallTau(),
                        m.kendallTauWithinKinds(),
                        100 * m.coverage(0.5),
                        100 * m.coverage(0.9),
                        100 * m.coverage(0.99),
                        m.reservedOverUsed(0.5),
                        m.reservedOverUsed(0.9),
                        100 * m.bucketAccuracy())));
    return text
        + "%d rows. tau: between the median and the length; within: its mean within the kinds of prompts;%n"
            .formatted(rows.size())
        + "cover: answers within that quantile (the rest is under-predicted); r/u: mean reserved by that%n"
            .formatted()
        + "quantile over mean used; bucket: the likeliest of ten equal ones is right.%n"
            .formatted();
  }
}
