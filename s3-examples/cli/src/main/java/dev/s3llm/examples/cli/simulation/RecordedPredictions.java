package dev.s3llm.examples.cli.simulation;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthPrediction;
import java.util.Collections;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * The predictions that a row of a {@link LengthsFile} has recorded: {@code prompt} with {@code
 * mean}, {@code p50} and {@code p90} of the whole length, and the arrays {@code at} (tokens made so
 * far), {@code mean}, {@code p50} and {@code p90} of what was then left.
 *
 * <p>A distribution with these three numbers has half of its mass below the p50, two fifths from
 * there to the p90, and the rest above, as far as the mean requires.
 */
final class RecordedPredictions {
  private static final int MAX_TOKENS = 1 << 24;

  private RecordedPredictions() {}

  /**
   * Returns the predictions of the whole length, by the number of tokens made; empty if the row has
   * none.
   *
   * @param row the row
   * @param where names the row in error messages
   * @throws UsageException if the row has only some of the fields, or a value is out of range
   */
  static NavigableMap<Integer, LengthPrediction> of(JsonNode row, Supplier<String> where) {
    JsonNode prompt = row.path("prompt");
    JsonNode at = row.path("at");
    if (at.isMissingNode() || !prompt.has("p50")) {
      return Collections.emptyNavigableMap();
    }
    NavigableMap<Integer, LengthPrediction> recorded = new TreeMap<>();
    recorded.put(0, left(0, prompt.path("mean"), prompt.path("p50"), prompt.path("p90"), where));
    for (int i = 0; i < at.size(); i++) {
      int made = (int) number(at.path(i), "at", where);
      if (made > 0) {
        recorded.put(
            made,
            left(
                made,
                row.path("mean").path(i),
                row.path("p50").path(i),
                row.path("p90").path(i),
                where));
      }
    }
    return recorded;
  }

  private static LengthPrediction left(
      int made, JsonNode mean, JsonNode p50, JsonNode p90, Supplier<String> where) {
    double expected = number(mean, "mean", where);
    int half = (int) Math.max(1, number(p50, "p50", where));
    int most = (int) Math.max(half + 1, number(p90, "p90", where));
    // the mean of the three parts is 0.25 half + 0.2 (half + most) + 0.05 (most + longest)
    double longest = 20 * expected - 9 * half - 5 * most;
    int last = (int) Math.max(most + 1, Math.min(4.0 * most, longest));
    return made == 0
        ? LengthPrediction.of(LengthBuckets.of(half, most, last), 0.5, 0.4, 0.1)
        : LengthPrediction.of(
            LengthBuckets.of(made, made + half, made + most, made + last), 0, 0.5, 0.4, 0.1);
  }

  private static double number(JsonNode value, String field, Supplier<String> where) {
    double tokens = value.isNumber() ? value.doubleValue() : Double.NaN;
    if (!(tokens >= 0 && tokens <= MAX_TOKENS)) {
      throw new UsageException(
          "%s: %s is %s, must be a number from 0 to %d"
              .formatted(
                  where.get(), field, value.isMissingNode() ? "missing" : value, MAX_TOKENS));
    }
    return tokens;
  }
}
