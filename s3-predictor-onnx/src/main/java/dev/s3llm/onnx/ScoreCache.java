package dev.s3llm.onnx;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A cache of the scores of recent prompts, bounded in entries and in characters. Scores belong to
 * the model that computed them, and are found for that model only. Thread-safe.
 */
final class ScoreCache {
  private final ReentrantLock lock = new ReentrantLock();
  private final int maxEntries;
  private final long maxCharacters;
  private final Map<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
  private long characters;

  ScoreCache(int maxEntries, long maxCharacters) {
    this.maxEntries = maxEntries;
    this.maxCharacters = maxCharacters;
  }

  @Nullable Scores get(String prompt, LengthModel model) {
    lock.lock();
    try {
      Entry entry = entries.get(prompt);
      return entry == null || entry.model != model ? null : entry.scores;
    } finally {
      lock.unlock();
    }
  }

  void put(String prompt, LengthModel model, Scores scores) {
    if (maxEntries == 0 || prompt.length() > maxCharacters) {
      return;
    }
    lock.lock();
    try {
      if (entries.put(prompt, new Entry(model, scores)) == null) {
        characters += prompt.length();
      }
      var eldest = entries.entrySet().iterator();
      while (entries.size() > maxEntries || characters > maxCharacters) {
        characters -= eldest.next().getKey().length();
        eldest.remove();
      }
    } finally {
      lock.unlock();
    }
  }

  void clear() {
    lock.lock();
    try {
      entries.clear();
      characters = 0;
    } finally {
      lock.unlock();
    }
  }

  private record Entry(LengthModel model, Scores scores) {}
}
