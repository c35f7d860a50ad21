package dev.s3llm.jcuda.internal.decode;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Lets the steps of models that share cards run one after another in this process. A step of one
 * launch fills its cards and waits for them all: two that hold a card each would wait for one
 * another. Thread-safe.
 */
final class CardTurns {
  private static final Map<Integer, Lock> LOCKS = new ConcurrentHashMap<>();

  private final List<Lock> own;

  /**
   * Takes part.
   *
   * @param cards numbers of the cards of a model
   */
  CardTurns(List<Integer> cards) {
    this.own =
        cards.stream()
            .sorted() // all in the same order
            .map(card -> LOCKS.computeIfAbsent(card, number -> new ReentrantLock(true)))
            .toList();
  }

  /** Does something while no other model with one of the cards does. */
  <T> T run(Supplier<T> step) {
    own.forEach(Lock::lock);
    try {
      return step.get();
    } finally {
      own.forEach(Lock::unlock);
    }
  }
}
