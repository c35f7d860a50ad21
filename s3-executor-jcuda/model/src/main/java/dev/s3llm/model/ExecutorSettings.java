package dev.s3llm.model;

import dev.s3llm.support.Settings;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;

/**
 * The settings that the executors share; the base of their builders. A setting may be set once: a
 * second call is refused with the earlier value. The builder of each executor lists its default
 * values.
 *
 * <p>Not thread-safe.
 *
 * @param <B> the builder of an executor
 */
public abstract class ExecutorSettings<B extends ExecutorSettings<B>> {
  private final Settings settings = new Settings();

  /** Starts with no setting. */
  protected ExecutorSettings() {}

  /** Returns this builder. */
  protected abstract B self();

  /**
   * Sets the bytes of KV memory.
   *
   * @param bytes at least 1; {@code build()} refuses a value that holds no block
   * @throws IllegalArgumentException if the value is out of range
   * @throws IllegalStateException if it was set before
   */
  public final B kvBytes(long bytes) {
    return set("kvBytes", atLeast("kvBytes", bytes, 1));
  }

  /**
   * Sets the bytes of host memory for KV blocks that are swapped out.
   *
   * @param bytes at least 0; 0 for no swap space
   * @throws IllegalArgumentException if the value is out of range
   * @throws IllegalStateException if it was set before
   */
  public final B swapBytes(long bytes) {
    return set("swapBytes", atLeast("swapBytes", bytes, 0));
  }

  /**
   * Sets the token budget of a step, prefill and decode together.
   *
   * @param tokens at least 1
   * @throws IllegalArgumentException if the value is out of range
   * @throws IllegalStateException if it was set before
   */
  public final B maxTokensPerStep(int tokens) {
    return set("maxTokensPerStep", (int) atLeast("maxTokensPerStep", tokens, 1));
  }

  /**
   * Sets the number of sequences that one step can run; at most the token budget is used.
   *
   * @param sequences at least 1
   * @throws IllegalArgumentException if the value is out of range
   * @throws IllegalStateException if it was set before
   */
  public final B maxSequencesPerStep(int sequences) {
    return set("maxSequencesPerStep", (int) atLeast("maxSequencesPerStep", sequences, 1));
  }

  /**
   * Sets the factory of the executor's threads; by default it makes daemon threads.
   *
   * @param factory makes threads
   * @throws IllegalStateException if it was set before
   */
  public final B threadFactory(ThreadFactory factory) {
    return set("threadFactory", factory);
  }

  /**
   * Sets a setting.
   *
   * @param name name of the setting, for messages
   * @param value its value
   * @throws NullPointerException if the value is null, naming the setting
   * @throws IllegalStateException if it was set before, naming the earlier value
   */
  protected final B set(String name, Object value) {
    settings.set(name, value);
    return self();
  }

  /**
   * Returns a setting.
   *
   * @param name name of the setting
   * @param <T> type of the setting
   * @param byDefault makes the value if the setting was not set
   */
  protected final <T> T get(String name, Supplier<? extends T> byDefault) {
    return settings.get(name, byDefault);
  }

  /**
   * Returns the token budget of a step.
   *
   * @param byDefault value if it was not set
   */
  protected final int maxTokensPerStepOr(int byDefault) {
    return get("maxTokensPerStep", () -> byDefault);
  }

  /**
   * Returns the number of sequences that one step can run: at most one for each token of the
   * budget.
   *
   * @param byDefault value if it was not set
   * @param maxTokensPerStep token budget of a step
   */
  protected final int maxSequencesPerStepOr(int byDefault, int maxTokensPerStep) {
    int sequences = get("maxSequencesPerStep", () -> byDefault);
    return Math.min(sequences, maxTokensPerStep);
  }

  /**
   * Returns the factory of the executor's threads.
   *
   * @param threadName name of the daemon threads that are made by default
   */
  protected final ThreadFactory threadFactoryOr(String threadName) {
    return get(
        "threadFactory",
        () ->
            task -> {
              Thread thread = new Thread(task, threadName);
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Returns a value, or refuses it.
   *
   * @param name name of the setting, for messages
   * @param value the value
   * @param minimum the least value that is accepted
   * @throws IllegalArgumentException if the value is less than the minimum
   */
  protected static long atLeast(String name, long value, long minimum) {
    return Settings.requireAtLeast(name, value, minimum);
  }
}
