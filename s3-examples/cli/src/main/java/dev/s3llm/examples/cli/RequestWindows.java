package dev.s3llm.examples.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * The parts of a trace whose requests are recorded one by one: a few windows of consecutive
 * requests, spread evenly, so that a record's size does not grow with the trace.
 *
 * @param starts the first request of each window, ascending
 * @param length requests in a window
 */
record RequestWindows(List<Integer> starts, int length) {
  private static final int WINDOWS = 12;
  private static final int LENGTH = 64;

  /** Copies the starts. */
  RequestWindows {
    starts = List.copyOf(starts);
  }

  /** Windows over a trace of so many requests. */
  static RequestWindows over(int requests) {
    int length = Math.min(LENGTH, requests);
    int windows = Math.min(WINDOWS, requests / length);
    List<Integer> starts = new ArrayList<>();
    for (int i = 0; i < windows; i++) {
      starts.add(
          windows == 1 ? 0 : Math.toIntExact((long) i * (requests - length) / (windows - 1)));
    }
    return new RequestWindows(starts, length);
  }

  boolean contains(int request) {
    return starts.stream().anyMatch(start -> request >= start && request < start + length);
  }
}
