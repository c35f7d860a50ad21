package dev.s3llm.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.predict.CalibratedPredictor;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures predictors on traffic that changes halfway: one file of {@code {"prompt",
 * "output_tokens"}} rows, then another. Arguments: the model folder, the two files, and the factor
 * of the second file's lengths (1), as if the served model had become wordier too.
 *
 * <p>Prints the coverage of the 90th percentile and the ratio of reserved to used tokens: before
 * the change, directly after it, and at the end; and the number of requests until the coverage of
 * the last 200 is within 3 points again.
 */
final class DriftStudy {
  private static final int LIMIT = 256;
  private static final int WINDOW = 200;

  private DriftStudy() {}

  public static void main(String[] args) throws Exception {
    Path model = Path.of(args[0]);
    List<JsonNode> rows = rows(args[1]);
    int change = rows.size();
    rows.addAll(rows(args[2]));
    double factor = args.length > 3 ? Double.parseDouble(args[3]) : 1;
    int[] used = new int[rows.size()];
    for (int i = 0; i < used.length; i++) {
      double length = rows.get(i).get("output_tokens").asInt() * (i < change ? 1 : factor);
      used[i] = (int) Math.min(LIMIT, length);
    }
    try (OnnxLengthPredictor trained = OnnxLengthPredictor.load(model)) {
      LengthPredictor frozen = query -> trained.predict(query);
      study("onnx, frozen", frozen, rows, used, change);
      study("onnx, calibrated", new CalibratedPredictor(frozen), rows, used, change);
    }
    try (LengthPredictor online = new CalibratedPredictor(OnnxLengthPredictor.load(model))) {
      study("onnx, online head, calibrated", online, rows, used, change);
    }
    study("empirical", new EmpiricalLengthPredictor(), rows, used, change);
  }

  private static List<JsonNode> rows(String file) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    List<JsonNode> rows = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(file))) {
      rows.add(mapper.readTree(line));
    }
    return rows;
  }

  private static void study(
      String name, LengthPredictor predictor, List<JsonNode> rows, int[] used, int change) {
    int[] reserved = new int[rows.size()];
    for (int i = 0; i < rows.size(); i++) {
      String prompt = rows.get(i).get("prompt").asText();
      LengthQuery query = new LengthQuery(i + 1, prompt, null, 0, LIMIT);
      LengthPrediction prediction = predictor.predict(query).toCompletableFuture().join();
      reserved[i] = prediction.quantile(0.9);
      predictor.observe(new LengthFeedback(query, prediction, used[i], used[i] == LIMIT));
    }
    int recovered = change + WINDOW / 4;
    while (recovered < rows.size()
        && Math.abs(coverage(reserved, used, Math.max(change, recovered - WINDOW), recovered) - 0.9)
            > 0.03) {
      recovered++;
    }
    System.out.printf(
        "%-30s before %s, first 100 after %s, last 200 %s, back within 3 points after %s%n",
        name,
        figures(reserved, used, change - 2 * WINDOW, change),
        figures(reserved, used, change, change + 100),
        figures(reserved, used, rows.size() - WINDOW, rows.size()),
        recovered == rows.size() ? "never" : String.valueOf(recovered - change));
  }

  private static String figures(int[] reserved, int[] used, int from, int to) {
    double sumReserved = 0;
    double sumUsed = 0;
    for (int i = from; i < to; i++) {
      sumReserved += reserved[i];
      sumUsed += used[i];
    }
    return "%.1f %% at %.2f"
        .formatted(100 * coverage(reserved, used, from, to), sumReserved / sumUsed);
  }

  private static double coverage(int[] reserved, int[] used, int from, int to) {
    int covered = 0;
    for (int i = from; i < to; i++) {
      covered += used[i] <= reserved[i] ? 1 : 0;
    }
    return (double) covered / (to - from);
  }
}
