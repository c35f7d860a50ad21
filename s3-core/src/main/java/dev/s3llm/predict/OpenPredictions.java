package dev.s3llm.predict;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was predicted for the queries whose answers have not ended, as often as each was asked. The
 * oldest are forgotten beyond a number of queries or of characters of prompts. Not thread-safe.
 */
final class OpenPredictions {
  private static final int MAX_QUERIES = 1 << 14;
  private static final long MAX_CHARACTERS = 16L << 20;

  private final Map<LengthQuery, Open> open = new LinkedHashMap<>();
  private long characters;

  /** Notes what was predicted; for equal queries the latest counts. */
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

  /** Replaces what was predicted, if the query is open. */
  void refresh(LengthQuery query, LengthPrediction prediction) {
    open.computeIfPresent(query, (same, earlier) -> new Open(prediction, earlier.times));
  }

  @Nullable LengthPrediction get(LengthQuery query) {
    Open found = open.get(query);
    return found == null ? null : found.prediction;
  }

  /** Notes that one of its answers ended, and returns what was predicted; null if unknown. */
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
