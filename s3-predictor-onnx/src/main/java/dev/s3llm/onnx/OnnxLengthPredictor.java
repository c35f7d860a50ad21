package dev.s3llm.onnx;

import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * Predicts output length from the prompt's text with a trained classifier (S3, NeurIPS 2023,
 * section 3.1), run by ONNX Runtime on a thread of its own, in micro-batches: whatever has been
 * asked while the previous batch ran is answered together.
 *
 * <p>It always answers. Where there is no prompt text, where too many questions wait, or where the
 * model fails or returns nonsense, an {@link EmpiricalLengthPredictor} that has seen the same
 * feedback answers instead, and {@link #stats} counts it. Being late is for the engine to notice.
 *
 * <p>From finished answers it goes on learning: an online head on top of the model's embedding
 * takes over while it predicts recent traffic better than the trained one (wrap it in a {@code
 * CalibratedPredictor} to have its quantiles cover what they say).
 *
 * <p>Thread-safe.
 */
public final class OnnxLengthPredictor implements LengthPredictor {
  /** Characters of all prompts that the cache holds. */
  private static final long CACHE_CHARACTERS = 16L << 20;

  private final PredictionWorker worker;
  private final EmpiricalLengthPredictor fallback = new EmpiricalLengthPredictor();
  private final PredictorCounters counters = new PredictorCounters();
  private final ScoreCache cache;
  private final int threads;
  private final @Nullable FeedbackLog feedbackLog;

  private OnnxLengthPredictor(Builder builder) {
    this.threads = builder.get("threads", Math.min(2, Runtime.getRuntime().availableProcessors()));
    this.feedbackLog = builder.feedbackLog;
    this.cache = new ScoreCache(builder.get("cacheEntries", 10_000), CACHE_CHARACTERS);
    LengthModel model = LengthModel.load(builder.folder, threads);
    try {
      this.worker = worker(new ModelSlot(model), builder);
    } catch (RuntimeException | Error e) { // of the thread factory
      model.close();
      throw e;
    }
  }

  private PredictionWorker worker(ModelSlot slot, Builder builder) {
    ThreadFactory factory = builder.threadFactory;
    return new PredictionWorker(
        slot,
        cache,
        counters,
        builder.get("maxBatch", 32),
        builder.get("queueCapacity", 4096),
        factory == null ? OnnxLengthPredictor::daemon : factory);
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "s3-length-predictor");
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Loads a model folder with the default settings.
   *
   * @throws LengthModelException naming the file and what is wrong with it
   */
  public static OnnxLengthPredictor load(Path folder) {
    return builder(folder).build();
  }

  /** Starts a predictor around a model folder. */
  public static Builder builder(Path folder) {
    return new Builder(folder);
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    String prompt = query.promptText();
    CompletableFuture<LengthPrediction> instead = new CompletableFuture<>();
    if (prompt == null) {
      counters.fallbacks.increment();
      instead.complete(fallback.predictNow(query));
      return instead;
    }
    return worker
        .ask(prompt)
        .handle(
            (belief, error) -> {
              if (belief == null) {
                counters.fallbacks.increment();
                return fallback.predictNow(query);
              }
              return belief.cappedAt(query.maxNewTokens());
            });
  }

  @Override
  public LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
    return query.promptText() == null ? fallback.predictNow(query) : earlier;
  }

  @Override
  public void observe(LengthFeedback feedback) {
    fallback.observe(feedback);
    worker.learn(feedback);
    FeedbackLog log = feedbackLog;
    if (log != null) {
      log.append(feedback);
    }
  }

  /**
   * Swaps a retrained model in. Questions under way are answered by the old one, which is released
   * when they are; if the new one cannot be loaded the old one stays. The online head starts anew.
   * Waits for loading, and for the run under way unless called from one of its callbacks.
   *
   * @throws LengthModelException naming the file and what is wrong with it
   * @throws IllegalStateException if the predictor is closed
   */
  public void reload(Path folder) {
    worker.slot().swap(LengthModel.load(folder, threads));
    cache.clear();
    counters.reloads.increment();
  }

  /** The model's name. */
  public String modelName() {
    return worker.slot().current().name();
  }

  /** The model's length buckets. */
  public LengthBuckets buckets() {
    return worker.slot().current().buckets();
  }

  /** SHA-256, in hex, of the tokenizer file in whose tokens lengths are counted; may be empty. */
  public String lengthTokenizer() {
    return worker.slot().current().lengthTokenizer();
  }

  /** Saves what the online head has learned. */
  public void saveOnlineHead(Path file) throws IOException {
    worker.slot().saveHead(file);
  }

  /**
   * Restores what {@link #saveOnlineHead} saved.
   *
   * @throws LengthModelException if the file is damaged or belongs to another model
   */
  public void restoreOnlineHead(Path file) throws IOException {
    worker.slot().restoreHead(file);
  }

  /** What it has done. */
  public OnnxPredictorStats stats() {
    return counters.stats(worker.slot().headActive());
  }

  /**
   * Answers what waits by the fallback, waits for the run under way, and releases the model and the
   * feedback log. Called from a callback of that run it does not wait: the model is released when
   * the run ends. Questions asked later are answered by the fallback. Idempotent.
   */
  @Override
  public void close() {
    worker.close();
    FeedbackLog log = feedbackLog;
    if (log != null) {
      log.close();
    }
  }

  /**
   * Settings of an {@link OnnxLengthPredictor}. Each may be set once: a setter throws {@link
   * IllegalArgumentException} for a value out of range and {@link IllegalStateException} naming the
   * earlier value the second time. Not thread-safe.
   */
  public static final class Builder {
    private final Path folder;
    private final Map<String, Integer> settings = new HashMap<>();
    private @Nullable FeedbackLog feedbackLog;
    private @Nullable ThreadFactory threadFactory;

    private Builder(Path folder) {
      this.folder = folder;
    }

    /** Sets how many threads one run may use, from 1 to 64; 2 by default, 1 on one core. */
    public Builder threads(int count) {
      return set("threads", count, 1, 64);
    }

    /** Sets how many prompts are answered together, from 1 to 1,024; 32 by default. */
    public Builder maxBatch(int prompts) {
      return set("maxBatch", prompts, 1, 1024);
    }

    /** Sets how many questions may wait, from 1 to 1,000,000; 4,096 by default. */
    public Builder queueCapacity(int questions) {
      return set("queueCapacity", questions, 1, 1_000_000);
    }

    /**
     * Sets how many prompts the cache holds, from 0 (none) to 1,000,000; 10,000 by default. The
     * online head learns only from answers whose prompts are still in the cache.
     */
    public Builder cacheEntries(int prompts) {
      return set("cacheEntries", prompts, 0, 1_000_000);
    }

    /** Writes finished answers to a log, which the predictor then owns; none by default. */
    public Builder feedbackLog(FeedbackLog log) {
      requireUnset("feedbackLog", feedbackLog);
      feedbackLog = log;
      return this;
    }

    /** Sets where the worker thread comes from; a daemon thread by default. */
    public Builder threadFactory(ThreadFactory factory) {
      requireUnset("threadFactory", threadFactory);
      threadFactory = factory;
      return this;
    }

    /**
     * Loads the model and starts the worker.
     *
     * @throws LengthModelException naming the file and what is wrong with it
     */
    public OnnxLengthPredictor build() {
      return new OnnxLengthPredictor(this);
    }

    private int get(String name, int byDefault) {
      return settings.getOrDefault(name, byDefault);
    }

    private Builder set(String name, int value, int least, int most) {
      if (value < least || value > most) {
        throw new IllegalArgumentException(
            "%s must be from %d to %d, but is %d".formatted(name, least, most, value));
      }
      requireUnset(name, settings.putIfAbsent(name, value));
      return this;
    }

    private static void requireUnset(String name, @Nullable Object earlier) {
      if (earlier != null) {
        throw new IllegalStateException(name + " was already set to " + earlier);
      }
    }
  }
}
