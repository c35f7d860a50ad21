package dev.s3llm.examples.server.openai;

import dev.s3llm.text.constraint.Constraints;
import dev.s3llm.text.constraint.Grammar;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The grammars of response formats. Those that were used last are kept. Thread-safe. */
public final class Grammars {
  /** The most grammars that are kept. */
  static final int MOST_KEPT = 64;

  /** The longest schema whose grammar is kept, in characters. */
  static final int LONGEST_KEPT = 1 << 16;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Grammar> kept =
      new LinkedHashMap<>(MOST_KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Grammar> eldest) {
          return size() > MOST_KEPT;
        }
      };

  /** Creates an empty cache. */
  public Grammars() {}

  /**
   * Returns the grammar of a response format; empty if any text will do.
   *
   * @throws ApiException if its schema cannot be kept; the message has the path and the keyword
   */
  public Optional<Grammar> of(ResponseFormat format) {
    return format.schema().map(schema -> grammar(format, schema));
  }

  private Grammar grammar(ResponseFormat format, String schema) {
    Grammar known = find(schema);
    if (known != null) {
      return known;
    }
    Grammar created;
    try {
      created = Constraints.jsonSchema(schema);
    } catch (IllegalArgumentException e) {
      throw ApiException.badField(
          format.field(),
          "Invalid schema for %s '%s': %s."
              .formatted(format.field(), format.name(), e.getMessage()));
    }
    if (schema.length() <= LONGEST_KEPT) {
      keep(schema, created);
    }
    return created;
  }

  private @Nullable Grammar find(String schema) {
    lock.lock();
    try {
      return kept.get(schema);
    } finally {
      lock.unlock();
    }
  }

  private void keep(String schema, Grammar grammar) {
    lock.lock();
    try {
      kept.put(schema, grammar);
    } finally {
      lock.unlock();
    }
  }
}
