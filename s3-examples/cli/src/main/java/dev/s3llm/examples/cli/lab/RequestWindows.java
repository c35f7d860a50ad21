package dev.s3llm.examples.cli.lab;

import java.util.ArrayList;
import java.util.List;

/**
 * The requests of a trace that are recorded one by one: a few windows of consecutive requests,
 * spread evenly, so that the size of the record does not grow with the trace.
 *
 * @param starts the index of the first request of each window, ascending
 * @param length requests in a window
 */
public record RequestWindows(List<Integer> starts, int length) {
  private static final int WINDOWS = 12;
  private static final int LENGTH = 64;

  /** Copies the starts. */
  public RequestWindows {
    starts = List.copyOf(starts);
  }

  /**
   * Returns windows over a trace.
   *
   * @param requests requests in the trace, at least 1
   */
  public static RequestWindows over(int requests) {
    int length = Math.min(LENGTH, requests);
    int windows = Math.min(WINDOWS, requests / length);
    List<Integer> starts = new ArrayList<>();
    for (int i = 0; i < windows; i++) {
      starts.add(
          windows == 1 ? 0 : Math.toIntExact((long) i * (requests - length) / (windows - 1)));
    }
    return new RequestWindows(starts, length);
  }

  /** Returns whether a window contains the request with this index in the trace. */
  boolean contains(int request) {
    return starts.stream().anyMatch(start -> request >= start && request < start + length);
  }
}
