package dev.s3llm.examples.cli.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Splits waiting time by its reason. The engine reports why it deferred the first request in the
 * queue; all requests behind it wait for the same reason. From the admission of the first request
 * to the next such report, requests wait for a step to end, or because the batch or the step's
 * token budget is full.
 *
 * <p>Holds a few numbers for each waiting request. Not thread-safe.
 */
final class WaitLedger {
  static final String STEP = "a step to end, or room in the batch";
  private static final String OTHER = "other reasons";
  private static final int MAX_REASONS = 12;

  private final List<String> reasons = new ArrayList<>(List.of(STEP));
  private final double[] clocks = new double[MAX_REASONS];
  private final double[] first = new double[MAX_REASONS];
  private final double[] again = new double[MAX_REASONS];
  private final Map<String, Wait> waiting = new HashMap<>();
  private @Nullable String head;
  private int reason;
  private long lastNanos;

  /**
   * A wait in progress.
   *
   * @param begin the clocks of all reasons when it began
   * @param preempted whether a preemption began it
   */
  private record Wait(List<Double> begin, boolean preempted) {}

  /** Starts a wait. */
  void begin(long nanos, String request, boolean preempted) {
    advance(nanos);
    waiting.put(request, new Wait(Arrays.stream(clocks).boxed().toList(), preempted));
  }

  /** Notes why the first request in the queue goes on waiting. */
  void deferred(long nanos, String request, String why) {
    advance(nanos);
    head = request;
    reason = indexOf(why);
  }

  /**
   * Ends a wait.
   *
   * @param nanos the time
   * @param request the id of the request
   * @return nanoseconds by reason, in the order of {@link #reasons}
   */
  double[] end(long nanos, String request) {
    advance(nanos);
    if (request.equals(head)) {
      head = null;
      reason = 0;
    }
    double[] spent = new double[MAX_REASONS];
    Wait wait = waiting.remove(request);
    for (int i = 0; wait != null && i < MAX_REASONS; i++) {
      spent[i] = clocks[i] - wait.begin.get(i);
      (wait.preempted ? again : first)[i] += spent[i];
    }
    return spent;
  }

  /** Returns the reasons so far, in the order of their first report. */
  List<String> reasons() {
    return List.copyOf(reasons);
  }

  /** Returns the seconds that all requests waited for their first admission, by reason. */
  double[] firstSeconds() {
    return seconds(first);
  }

  /** Returns the seconds that all requests waited after preemptions, by reason. */
  double[] againSeconds() {
    return seconds(again);
  }

  private double[] seconds(double[] nanos) {
    return Arrays.stream(nanos, 0, reasons.size()).map(x -> x / 1e9).toArray();
  }

  private void advance(long nanos) {
    clocks[reason] += nanos - lastNanos;
    lastNanos = nanos;
  }

  private int indexOf(String why) {
    int index = reasons.indexOf(why);
    if (index >= 0) {
      return index;
    }
    if (reasons.size() == MAX_REASONS) {
      return MAX_REASONS - 1;
    }
    reasons.add(reasons.size() == MAX_REASONS - 1 ? OTHER : why);
    return reasons.size() - 1;
  }
}
