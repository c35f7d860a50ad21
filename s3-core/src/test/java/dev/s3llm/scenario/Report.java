package dev.s3llm.scenario;

import dev.s3llm.execute.StepResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The parts of a result, to change some of them. */
final class Report {
  final List<int[]> tokens = new ArrayList<>();
  final int[] slots;
  final int[] stepsLeft;
  private final boolean plain;
  int excess;

  Report(StepResult right) {
    plain = right.plain();
    slots = new int[right.sequences()];
    stepsLeft = new int[right.sequences()];
    for (int i = 0; i < right.sequences(); i++) {
      tokens.add(right.committed(i));
      slots[i] = right.slots(i);
      stepsLeft[i] = right.stepsLeft(i);
    }
  }

  void clear(int index) {
    tokens.set(index, new int[0]);
    slots[index] = 0;
    stepsLeft[index] = 0;
  }

  StepResult result(Map<Integer, Throwable> failures) {
    if (plain) {
      int[] flat = tokens.stream().mapToInt(t -> t.length == 0 ? -1 : t[0]).toArray();
      return StepResult.of(flat, failures);
    }
    int[] flat = tokens.stream().flatMapToInt(IntStream::of).toArray();
    int[] counts = tokens.stream().mapToInt(t -> t.length).toArray();
    counts[counts.length - 1] += excess;
    return StepResult.committing(flat, counts)
        .slots(slots)
        .stepsLeft(stepsLeft)
        .failures(failures)
        .build();
  }
}
