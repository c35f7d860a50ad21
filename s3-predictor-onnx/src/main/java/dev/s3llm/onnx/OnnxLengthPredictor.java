package dev.s3llm.onnx;

import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.support.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * A length predictor that reads the prompt's text with a trained classifier (S3, NeurIPS 2023,
 * section 3.1). ONNX Runtime runs the classifier on a separate thread, in micro-batches: queries
 * that arrive during one run are answered together in the next.
 *
 * <p>Every query is answered. If there is no prompt text, if too many queries wait, or if the model
 * fails or returns values that are not finite, an {@link EmpiricalLengthPredictor} with the same
 * feedback answers instead, and {@link #stats} counts it. The engine handles late answers.
 *
 * <p>The predictor continues to learn from finished answers: an online head on top of the model's
 * embedding predicts while it is better on recent traffic than the trained head. Wrap the predictor
 * in a {@code CalibratedPredictor} to calibrate its quantiles.
 *
 * <p>Thread-safe.
 */
public final class OnnxLengthPredictor implements LengthPredictor {
  /** The largest number of characters of all prompts in the cache. */
  private static final long CACHE_CHARACTERS = 16L << 20;

  private final PredictionWorker worker;
  private final EmpiricalLengthPredictor fallback = new EmpiricalLengthPredictor();
  private final PredictorCounters counters = new PredictorCounters();
  private final ScoreCache cache;
  private final int threads;
  private final @Nullable FeedbackLog feedbackLog;

  private OnnxLengthPredictor(Builder builder) {
    Settings settings = builder.settings;
    this.threads =
        settings.get("threads", () -> Math.min(2, Runtime.getRuntime().availableProcessors()));
    this.feedbackLog = settings.find("feedbackLog", FeedbackLog.class);
    this.cache = new ScoreCache(settings.get("cacheEntries", () -> 10_000), CACHE_CHARACTERS);
    LengthModel model = LengthModel.load(builder.folder, threads);
    try {
      this.worker = worker(new ModelSlot(model), settings);
    } catch (RuntimeException | Error e) { // the thread factory threw
      model.close();
      throw e;
    }
  }

  private PredictionWorker worker(ModelSlot slot, Settings settings) {
    ThreadFactory factory = settings.get("threadFactory", () -> OnnxLengthPredictor::daemon);
    return new PredictionWorker(
        slot,
        cache,
        counters,
        settings.get("maxBatch", () -> 32),
        settings.get("queueCapacity", () -> 4096),
        factory);
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "s3-length-predictor");
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Loads a model folder with the default settings.
   *
   * @param folder the model folder
   * @throws LengthModelException if the model cannot be used, naming the file and the reason
   */
  public static OnnxLengthPredictor load(Path folder) {
    return builder(folder).build();
  }

  /**
   * Creates a builder for a model folder.
   *
   * @param folder the model folder, which {@link Builder#build} loads
   * @throws NullPointerException if the folder is null
   */
  public static Builder builder(Path folder) {
    return new Builder(Objects.requireNonNull(folder, "folder"));
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
        .predict(prompt)
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
   * Replaces the model by a retrained one. The old model answers the queries in progress and is
   * then released; it stays if the new model cannot be loaded. The online head starts again from
   * zero. Waits until the model is loaded, and for the run in progress unless called from one of
   * its callbacks.
   *
   * @param folder the folder of the new model
   * @throws LengthModelException if the new model cannot be used, naming the file and the reason
   * @throws IllegalStateException if the predictor is closed
   */
  public void reload(Path folder) {
    worker.slot().swap(LengthModel.load(folder, threads));
    cache.clear();
    counters.reloads.increment();
  }

  /** Returns the model's name. */
  public String modelName() {
    return worker.slot().current().name();
  }

  /** Returns the model's length buckets. */
  public LengthBuckets buckets() {
    return worker.slot().current().buckets();
  }

  /**
   * Returns the SHA-256, in hex, of the tokenizer file whose tokens the lengths count; may be
   * empty.
   */
  public String lengthTokenizer() {
    return worker.slot().current().lengthTokenizer();
  }

  /**
   * Saves the state of the online head.
   *
   * @param file replaced atomically if it exists
   * @throws IOException if the file cannot be written
   */
  public void saveOnlineHead(Path file) throws IOException {
    worker.slot().saveHead(file);
  }

  /**
   * Restores the state of the online head.
   *
   * @param file a file that {@link #saveOnlineHead} has written
   * @throws LengthModelException if the file is damaged or belongs to another model
   * @throws IOException if the file cannot be read
   */
  public void restoreOnlineHead(Path file) throws IOException {
    worker.slot().restoreHead(file);
  }

  /** Returns a snapshot of the counts. */
  public OnnxPredictorStats stats() {
    return counters.stats(worker.slot().headActive());
  }

  /**
   * Releases the model and the feedback log. The empirical predictor answers the queries that wait,
   * and all later ones. Waits for the run in progress; if called from a callback of that run, it
   * does not wait, and the model is released when the run ends. Idempotent.
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
   * Builds an {@link OnnxLengthPredictor}. Each setter checks its value at once: it throws {@link
   * NullPointerException} for null, {@link IllegalArgumentException} for a value out of range, and
   * {@link IllegalStateException} naming the earlier value for a second call. Not thread-safe.
   */
  public static final class Builder {
    private final Path folder;
    private final Settings settings = new Settings();

    private Builder(Path folder) {
      this.folder = folder;
    }

    /**
     * Sets the number of threads of one run; 2 by default, 1 on one core.
     *
     * @param count from 1 to 64
     */
    public Builder threads(int count) {
      return set("threads", count, 1, 64);
    }

    /**
     * Sets the largest number of prompts in one run; 32 by default.
     *
     * @param prompts from 1 to 1,024
     */
    public Builder maxBatch(int prompts) {
      return set("maxBatch", prompts, 1, 1024);
    }

    /**
     * Sets the largest number of queries that wait; 4,096 by default. The empirical predictor
     * answers more.
     *
     * @param queries from 1 to 1,000,000
     */
    public Builder queueCapacity(int queries) {
      return set("queueCapacity", queries, 1, 1_000_000);
    }

    /**
     * Sets the largest number of prompts in the cache; 10,000 by default. The online head learns
     * only from answers whose prompts are in the cache.
     *
     * @param prompts from 0 (no cache) to 1,000,000
     */
    public Builder cacheEntries(int prompts) {
      return set("cacheEntries", prompts, 0, 1_000_000);
    }

    /**
     * Sets the log of finished answers; none by default.
     *
     * @param log owned by the predictor from now on
     */
    public Builder feedbackLog(FeedbackLog log) {
      settings.set("feedbackLog", log);
      return this;
    }

    /**
     * Sets the factory of the predictor's thread; a daemon thread by default.
     *
     * @param factory makes one thread
     */
    public Builder threadFactory(ThreadFactory factory) {
      settings.set("threadFactory", factory);
      return this;
    }

    /**
     * Loads the model and starts the predictor's thread.
     *
     * @throws LengthModelException if the model cannot be used, naming the file and the reason
     */
    public OnnxLengthPredictor build() {
      return new OnnxLengthPredictor(this);
    }

    private Builder set(String name, int value, int least, int most) {
      if (value < least || value > most) {
        throw new IllegalArgumentException(
            "%s must be from %d to %d, but is %d".formatted(name, least, most, value));
      }
      settings.set(name, value);
      return this;
    }
  }
}
