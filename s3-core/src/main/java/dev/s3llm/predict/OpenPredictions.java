package dev.s3llm.predict;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The predictions for queries whose answers have not ended, with the number of answers expected for
 * each query. The oldest are removed beyond a number of queries or of characters of prompts. Not
 * thread-safe.
 */
final class OpenPredictions {
  private static final int MAX_QUERIES = 1 << 14;
  private static final long MAX_CHARACTERS = 16L << 20;

  private final Map<LengthQuery, Open> open = new LinkedHashMap<>();
  private long characters;

  /** Adds a prediction; it replaces that of an equal query and counts one answer more for it. */
  void add(LengthQuery query, LengthPrediction prediction) {
    Open earlier = remove(query);
    open.put(query, new Open(prediction, earlier == null ? 1 : earlier.times + 1));
    characters += characters(query);
    Iterator<LengthQuery> oldest = open.keySet().iterator();
    while (open.size() > MAX_QUERIES || (characters > MAX_CHARACTERS && open.size() > 1)) {
      characters -= characters(oldest.next());
      oldest.remove();
    }
  }

  /** Replaces the prediction of a query, if the query is open. */
  void refresh(LengthQuery query, LengthPrediction prediction) {
    open.computeIfPresent(query, (same, earlier) -> new Open(prediction, earlier.times));
  }

  /** Returns the latest prediction of a query, or null if the query is not open. */
  @Nullable LengthPrediction get(LengthQuery query) {
    Open found = open.get(query);
    return found == null ? null : found.prediction;
  }

  /** Counts one answer of a query as ended; returns the prediction, or null if it is not open. */
  @Nullable LengthPrediction end(LengthQuery query) {
    Open found = open.get(query);
    if (found == null) {
      return null;
    }
    if (found.times == 1) {
      remove(query);
    } else {
      open.put(query, new Open(found.prediction, found.times - 1));
    }
    return found.prediction;
  }

  /** Returns the number of different open queries. */
  int size() {
    return open.size();
  }

  private @Nullable Open remove(LengthQuery query) {
    Open removed = open.remove(query);
    characters -= removed == null ? 0 : characters(query);
    return removed;
  }

  private static long characters(LengthQuery query) {
    String prompt = query.promptText();
    return prompt == null ? 0 : prompt.length();
  }

  private record Open(LengthPrediction prediction, int times) {}
}
