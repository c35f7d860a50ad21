package dev.s3llm.text.internal.grammar;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A vocabulary with the grammars that were used last over it. What all of them keep together is
 * bounded in bytes, as far as it can be counted: a quarter for masks, the rest for grammars. If the
 * sum is larger, the grammars that were used least recently forget what they found, and the first
 * of them are dropped. A dropped grammar lives as long as an answer uses it, and keeps little.
 * Thread-safe.
 */
public final class GrammarVocabulary {
  /** The most bytes by default, and the part of the heap that is not exceeded: one in so many. */
  private static final long DEFAULT_BYTES = 256L << 20;

  private static final int HEAP_PART = 8;
  private static final int MOST_GRAMMARS = 256;

  private final Trie trie;
  private final long mostBytes;
  private final MaskCache masks;
  private final AtomicLong bytes = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Object, CompiledGrammar> compiled = new LinkedHashMap<>(64, 0.75f, true);

  /**
   * Creates a vocabulary.
   *
   * @param texts the bytes of each token; empty for tokens that must not come. Not copied
   * @param mostBytes the largest number of bytes that grammars and masks keep, at least 1
   */
  public GrammarVocabulary(byte[][] texts, long mostBytes) {
    this.trie = new Trie(texts);
    this.mostBytes = mostBytes - mostBytes / 4;
    this.masks = new MaskCache(mostBytes / 4);
  }

  /** Returns the bytes that grammars and masks keep by default. */
  public static long defaultBytes() {
    return Math.min(DEFAULT_BYTES, Runtime.getRuntime().maxMemory() / HEAP_PART);
  }

  /**
   * Returns the constraint of a grammar; the same object for equal keys, if it was used lately.
   *
   * @param key equal for equal grammars
   * @param program the grammar
   * @throws IllegalArgumentException if no text of the grammar can be spelled by the vocabulary
   */
  public TokenConstraint constraint(Object key, Program program) {
    CompiledGrammar known = known(key);
    if (known != null) {
      return known;
    }
    CompiledGrammar created = new CompiledGrammar(new Machine(program, trie, this::grew), masks);
    if (created.enough() >= Costs.NEVER) {
      created.machine().drop();
      throw new IllegalArgumentException(
          "no text keeps the grammar, or the tokens of the model cannot spell one");
    }
    return kept(key, created);
  }

  private @Nullable CompiledGrammar known(Object key) {
    lock.lock();
    try {
      return compiled.get(key);
    } finally {
      lock.unlock();
    }
  }

  private CompiledGrammar kept(Object key, CompiledGrammar created) {
    lock.lock();
    try {
      CompiledGrammar first = compiled.putIfAbsent(key, created);
      if (first != null) {
        created.machine().drop();
        return first;
      }
      trim(created.machine());
      return created;
    } finally {
      lock.unlock();
    }
  }

  /** Counts what a grammar keeps in addition, or less; then bounds the sum. */
  private void grew(Machine grammar, long more) {
    long all = bytes.addAndGet(more);
    if (more < 0) {
      masks.clear(); // they hold the pieces that they are made of
    } else if (all > mostBytes) {
      lock.lock();
      try {
        trim(grammar);
      } finally {
        lock.unlock();
      }
    }
  }

  /** Makes grammars forget, this one last; then drops grammars, but not this one. */
  private void trim(Machine last) {
    List<CompiledGrammar> oldestFirst = new ArrayList<>(compiled.values());
    for (CompiledGrammar grammar : oldestFirst) {
      if (grammar.machine() != last && bytes.get() > mostBytes) {
        grammar.machine().forget();
      }
    }
    if (bytes.get() > mostBytes) {
      last.forget();
    }
    for (CompiledGrammar grammar : oldestFirst) {
      boolean tooMany = compiled.size() > MOST_GRAMMARS || bytes.get() > mostBytes;
      if (tooMany && grammar.machine() != last) {
        compiled.values().remove(grammar);
        grammar.machine().drop();
      }
    }
  }

  /** Returns the bytes that the grammars keep, as far as they are counted. */
  long bytes() {
    return bytes.get();
  }

  /** Returns the number of grammars that are kept. */
  int grammars() {
    lock.lock();
    try {
      return compiled.size();
    } finally {
      lock.unlock();
    }
  }

  /** Returns the number of tokens. */
  public int size() {
    return trie.vocabulary();
  }
}
