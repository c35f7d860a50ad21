package dev.s3llm.simulate;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The optional columns of a trace, after the three columns that every trace has. Immutable.
 *
 * @param names their names, in the order of the header
 */
record TraceColumns(List<String> names) {
  static final String PREDICTED = "predicted_tokens";
  static final String BLOCKS = "blocks";
  static final String THINKING = "thinking_tokens";

  /** The names of all optional columns. */
  static final List<String> NAMES =
      List.of(
          PREDICTED, "limit", "priority", "deadline_s", "tenant", "cancelled_s", BLOCKS, THINKING);

  private static final Set<String> NO_TERMS = Set.of(PREDICTED, BLOCKS, THINKING);

  private static final int FIRST = 3;

  /** Copies the names. */
  TraceColumns {
    names = List.copyOf(names);
  }

  /**
   * Returns the columns of the rest of a header, or empty if a name is unknown or is there twice.
   *
   * @param rest each name after a comma; empty if there are no optional columns
   */
  static Optional<TraceColumns> parse(String rest) {
    if (rest.isEmpty()) {
      return Optional.of(new TraceColumns(List.of()));
    }
    List<String> names =
        Arrays.stream(rest.substring(1).split(",", -1)).map(String::strip).toList();
    boolean valid = NAMES.containsAll(names) && new HashSet<>(names).size() == names.size();
    return valid ? Optional.of(new TraceColumns(names)) : Optional.empty();
  }

  int count() {
    return names.size();
  }

  /** Returns whether there are columns of terms. */
  boolean hasTerms() {
    return names.stream().anyMatch(name -> !NO_TERMS.contains(name));
  }

  /** Returns the value of a column in a row, or empty if the trace lacks the column. */
  Optional<String> in(String name, String[] row) {
    int index = names.indexOf(name);
    return index < 0 ? Optional.empty() : Optional.of(row[FIRST + index].strip());
  }

  /** Returns the value of a column in a row, or empty if the row has none. */
  Optional<String> given(String name, String[] row) {
    return in(name, row).filter(value -> !value.isEmpty());
  }
}
