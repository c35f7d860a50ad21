package dev.s3llm.simulate;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import java.math.BigDecimal;
import java.util.stream.Collectors;

/** Writes a request that has ended as a row of a trace, with all columns. */
final class TraceRow {
  /** The header of the rows. */
  static final String HEADER = TraceReader.HEADER + "," + String.join(",", TraceColumns.NAMES);

  private static final int NANO_DIGITS = 9;
  private static final int MAX_TOKENS = 1 << 24;
  private static final long MAX_NANOS = 1_000_000_000L * 1_000_000_000L;

  private TraceRow() {}

  /**
   * Returns the row of a request, with a line break.
   *
   * @param ended the end of the request
   * @param originNanos begin of the trace, in nanoseconds of the engine's clock
   */
  static String of(EngineEvent.Ended ended, long originNanos) {
    EngineEvent.Request request = ended.request();
    long arrival = Math.max(0, request.arrivalNanos() - originNanos);
    int predicted = request.predictedTokens();
    long deadline = request.deadlineNanos();
    boolean cut = ended.reason() == FinishReason.CANCELLED || ended.reason() == FinishReason.FAILED;
    long total = Math.max(0, ended.nanos() - request.arrivalNanos());
    return String.join(
        ",",
        seconds(arrival),
        tokens(request.promptTokens()),
        tokens(length(ended)),
        tokens(predicted == 0 ? request.maxNewTokens() : predicted),
        tokens(request.maxNewTokens()),
        Integer.toString(request.priority()),
        deadline > MAX_NANOS ? "" : seconds(Math.max(1, deadline)),
        tenant(request.tenant()),
        cut ? seconds(total) : "",
        blocks(request),
        ended.thinkingTokens() == 0 ? "\n" : tokens(ended.thinkingTokens()) + "\n");
  }

  private static String blocks(EngineEvent.Request request) {
    return request.promptBlocks().stream().map(String::valueOf).collect(Collectors.joining(" "));
  }

  /**
   * Returns the line of a request that was refused, with a line break. Readers skip it, as every
   * line that begins with {@link TraceReader#COMMENT}.
   *
   * @param refused the refusal
   * @param originNanos begin of the trace, in nanoseconds of the engine's clock
   */
  static String of(EngineEvent.Refused refused, long originNanos) {
    EngineEvent.Request request = refused.request();
    return "%s %s,refused,%s,prompt_tokens=%d,limit=%d,priority=%d,tenant=%s\n"
        .formatted(
            TraceReader.COMMENT,
            seconds(Math.max(0, request.arrivalNanos() - originNanos)),
            refused.reason(),
            request.promptTokens(),
            request.maxNewTokens(),
            request.priority(),
            tenant(request.tenant()));
  }

  /** Returns the arrival of a row or of the line of a refusal, in seconds. */
  static double arrivalSeconds(String row) {
    String first = row.split(",", 2)[0];
    return Double.parseDouble(first.startsWith(TraceReader.COMMENT) ? first.substring(1) : first);
  }

  /** Returns the length of the answer, or an estimate if the answer was cut off. */
  private static int length(EngineEvent.Ended ended) {
    int generated = ended.outputTokens();
    if (ended.reason() == FinishReason.STOP || ended.reason() == FinishReason.LENGTH) {
      return generated;
    }
    LengthPrediction prediction = ended.prediction();
    if (prediction == null || generated >= MAX_TOKENS) {
      return generated + 1;
    }
    return Math.max(generated + 1, prediction.given(generated).quantile(0.5));
  }

  private static String tokens(int tokens) {
    return Integer.toString(Math.max(1, Math.min(MAX_TOKENS, tokens)));
  }

  private static String seconds(long nanos) {
    return BigDecimal.valueOf(Math.min(MAX_NANOS, nanos), NANO_DIGITS).toPlainString();
  }

  private static String tenant(String name) {
    return name.replace("%", "%25").replace(",", "%2C");
  }
}
