package dev.s3llm.examples.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happened to one request: when it waited, why, and when it ran. */
final class RequestRecord {
  /** Spans and preemptions kept of a request; recovery bounds preemptions to about a dozen. */
  private static final int MAX_SPANS = 64;

  private final int request;
  private final int predictedTokens;
  private final List<Span> spans = new ArrayList<>();
  private final List<Loss> losses = new ArrayList<>();
  private double[] waitedNanos = {};
  private long sinceNanos;
  private Phase phase = Phase.WAITING;
  private @Nullable Double ttftSeconds;

  /** What a request does. */
  enum Phase {
    WAITING("w"),
    RUNNING("r"),
    PREEMPTED("p");

    private final String code;

    Phase(String code) {
      this.code = code;
    }

    /** One letter, for files. */
    String code() {
      return code;
    }
  }

  /** A phase with its begin and end. */
  record Span(Phase phase, long fromNanos, long toNanos) {}

  /** A preemption: when, how, what it took and why. */
  record Loss(long nanos, String mode, int kvTokens, String reason) {}

  RequestRecord(int request, int predictedTokens, long nanos) {
    this.request = request;
    this.predictedTokens = predictedTokens;
    this.sinceNanos = nanos;
  }

  void waited(double[] nanosByReason) {
    double[] sum = nanosByReason.clone();
    for (int i = 0; i < waitedNanos.length; i++) {
      sum[i] += waitedNanos[i];
    }
    waitedNanos = sum;
  }

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

  /** The median that was predicted when the request came. */
  int predictedTokens() {
    return predictedTokens;
  }

  List<Span> spans() {
    return spans;
  }

  List<Loss> losses() {
    return losses;
  }

  /** Nanoseconds by reason. */
  double[] waitedNanos() {
    return waitedNanos.clone();
  }

  @Nullable Double ttftSeconds() {
    return ttftSeconds;
  }
}
