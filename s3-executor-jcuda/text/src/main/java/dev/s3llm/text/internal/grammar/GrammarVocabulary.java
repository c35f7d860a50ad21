package dev.s3llm.text.internal.grammar;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** A vocabulary with the grammars that were used last over it. Thread-safe. */
public final class GrammarVocabulary {
  private static final int MOST_GRAMMARS = 32;
  private static final int MOST_MASKS = 2048;
  private static final long MOST_PIECE_BYTES = 48L << 20;

  private final Trie trie;
  private final MaskCache masks = new MaskCache(MOST_MASKS);
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Object, CompiledGrammar> compiled =
      new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Object, CompiledGrammar> eldest) {
          return size() > MOST_GRAMMARS;
        }
      };

  /**
   * Creates a vocabulary.
   *
   * @param texts the bytes of each token; empty for tokens that must not come. Not copied
   */
  public GrammarVocabulary(byte[][] texts) {
    trie = new Trie(texts);
  }

  /**
   * Returns the constraint of a grammar; the same object for equal keys, if it was used lately.
   *
   * @param key equal for equal grammars
   * @param program the grammar
   * @throws IllegalArgumentException if no text of the grammar can be spelled by the vocabulary
   */
  public TokenConstraint constraint(Object key, Program program) {
    lock.lock();
    try {
      CompiledGrammar known = compiled.get(key);
      if (known == null) {
        known = new CompiledGrammar(new Machine(program, trie, MOST_PIECE_BYTES), masks);
        if (known.enough() >= Costs.NEVER) {
          throw new IllegalArgumentException(
              "no text keeps the grammar, or the tokens of the model cannot spell one");
        }
        compiled.put(key, known);
      }
      return known;
    } finally {
      lock.unlock();
    }
  }

  /** Returns the number of tokens. */
  public int size() {
    return trie.vocabulary();
  }
}
