package dev.s3llm.jcuda.internal.decode;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.function.IntConsumer;

/**
 * Loads weights to several cards and launches steps on them at once. Launching takes milliseconds
 * for a step without a graph, and a card whose launches came later would be waited for.
 */
final class CardThreads implements AutoCloseable {
  private final int cards;
  private final ExecutorService others;

  /**
   * Starts no thread yet.
   *
   * @param cards number of cards, at least 2
   * @param factory makes a thread for each card but the first
   */
  CardThreads(int cards, ThreadFactory factory) {
    this.cards = cards;
    this.others = Executors.newFixedThreadPool(cards - 1, factory);
  }

  /**
   * Does something for every card, for the first on the calling thread, and waits until all is
   * done.
   *
   * @param work receives the index of a card
   * @throws RuntimeException the failure of the first card that fails
   */
  void run(IntConsumer work) {
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (int i = 1; i < cards; i++) {
      int card = i;
      running.add(CompletableFuture.runAsync(() -> work.accept(card), others));
    }
    try {
      work.accept(0);
    } finally {
      running.forEach(one -> one.exceptionally(failure -> null).join());
    }
    running.forEach(CardThreads::requireSuccess);
  }

  private static void requireSuccess(CompletableFuture<Void> done) {
    try {
      done.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  @Override
  public void close() {
    others.shutdown(); // nothing runs between two calls
  }
}
