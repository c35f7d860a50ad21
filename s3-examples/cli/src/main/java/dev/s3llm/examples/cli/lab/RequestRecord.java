package dev.s3llm.examples.cli.lab;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The history of one request: when it waited, why, and when it ran. Not thread-safe. */
final class RequestRecord {
  /** Most spans and preemptions to keep; recovery bounds preemptions to about a dozen. */
  private static final int MAX_SPANS = 64;

  private final int request;
  private final int predictedTokens;
  private final List<Span> spans = new ArrayList<>();
  private final List<Loss> losses = new ArrayList<>();
  private double[] waitedNanos = {};
  private long sinceNanos;
  private Phase phase = Phase.WAITING;
  private @Nullable Double ttftSeconds;

  /** The state of a request. */
  enum Phase {
    WAITING("w"),
    RUNNING("r"),
    PREEMPTED("p");

    private final String code;

    Phase(String code) {
      this.code = code;
    }

    /** Returns the letter that stands for the phase in the page's data. */
    String code() {
      return code;
    }
  }

  /**
   * One phase of a request.
   *
   * @param phase the state
   * @param fromNanos when it began
   * @param toNanos when it ended
   */
  record Span(Phase phase, long fromNanos, long toNanos) {}

  /**
   * One preemption of a request.
   *
   * @param nanos when it happened
   * @param mode swap or recompute, in lower case
   * @param kvTokens tokens that the request had in KV memory
   * @param reason the engine's reason, and the request that needed the memory
   */
  record Loss(long nanos, String mode, int kvTokens, String reason) {}

  RequestRecord(int request, int predictedTokens, long nanos) {
    this.request = request;
    this.predictedTokens = predictedTokens;
    this.sinceNanos = nanos;
  }

  /** Adds waiting time by reason, in the order of {@link WaitLedger#reasons}. */
  void waited(double[] nanosByReason) {
    double[] sum = nanosByReason.clone();
    for (int i = 0; i < waitedNanos.length; i++) {
      sum[i] += waitedNanos[i];
    }
    waitedNanos = sum;
  }

  /** Ends the current phase and starts another. */
  void enter(Phase next, long nanos) {
    if (spans.size() < MAX_SPANS) {
      spans.add(new Span(phase, sinceNanos, nanos));
    }
    phase = next;
    sinceNanos = nanos;
  }

  void lost(Loss loss) {
    if (losses.size() < MAX_SPANS) {
      losses.add(loss);
    }
  }

  void firstToken(double seconds) {
    ttftSeconds = seconds;
  }

  int request() {
    return request;
  }

  /** Returns the predicted median of the answer, in tokens, from the time of arrival. */
  int predictedTokens() {
    return predictedTokens;
  }

  List<Span> spans() {
    return spans;
  }

  List<Loss> losses() {
    return losses;
  }

  /** Returns the nanoseconds waited by reason; a copy. */
  double[] waitedNanos() {
    return waitedNanos.clone();
  }

  /** Returns the time to the first token; null without a token. */
  @Nullable Double ttftSeconds() {
    return ttftSeconds;
  }
}
